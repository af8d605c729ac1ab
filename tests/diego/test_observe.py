"""One look at an environment whose API server and BBS ports a test plays."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observation import MISSING, NOT_CONFIGURED, Locket, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.probe import Prober
from stagekeeper.diego.profiles import DEFAULT_PATIENCE, LocketWorkload, ReadinessMeaning
from stagekeeper.kube import objects
from stagekeeper.kube.objects import Endpoints
from tests.diego import listeners
from tests.diego.listeners import black_hole, listening, silent
from tests.diego.world import CC, LOCKET, PODS, SETS, SLICES, Cluster, pod, statefulset
from tests.kube import api_server
from tests.kube.api_server import answering, hanging, refusing, saying
from tests.testbed.process import free_port

ENOUGH = 60.0
"""Seconds for an observation that is expected to end by itself."""
SHORT = 0.6
"""Seconds for an observation that is expected to be cut off."""
LONG = 3.0
"""Seconds that it would take otherwise: the environment's own timeout of a probe, and less than that of a request."""


# What is seen


async def test_an_observation_sees_the_pods_the_workload_and_the_service(world: Cluster) -> None:
    patience = DEFAULT_PATIENCE.model_copy(update={"starting": timedelta(hours=1)})
    sees = ReadinessMeaning.ACTIVE
    seen = await world.with_(bbs_container="bbs", patience=patience, readiness=sees).observe()
    refused = Probe(Reply.REFUSED, "connection refused", "127.0.0.1")
    assert isinstance(seen.service, Probe)
    assert replace(seen.service, phases={}) == refused
    assert [
        (each.pod.name, each.labelled_active, isinstance(each.probe, Probe) and replace(each.probe, phases={}))
        for each in seen.known_pods
    ] == [("diego-api-0", False, refused), ("diego-api-1", False, refused)]
    assert replace(seen, service=NOT_CONFIGURED, pods=()) == Observation(
        environment=world.environment.name,
        taken_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        service=NOT_CONFIGURED,
        pods=(),
        workloads=(objects.statefulset(statefulset()),),
        steady=True,
        endpoints=Endpoints(1, 0),
        bbs_container="bbs",
        patience=patience,
        readiness=sees,
        sought=world.environment.sought,
    )


async def test_a_pod_that_listens_is_seen_to_serve(world: Cluster) -> None:
    async with listening(silent) as port:
        seen = await world.with_(port=port).observe()
    assert {each.reply for each in seen.known_pods} == {Reply.OK}


async def test_what_is_not_configured_is_not_looked_at(world: Cluster) -> None:
    seen = await world.with_(service_name=None).observe()
    parts = (seen.endpoints, seen.cloud_controller, seen.locket, seen.database, seen.control)
    assert set(parts) == {NOT_CONFIGURED}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"skiff-role-active": "true"}, True),
        ({"skiff-role-active": "TRUE"}, True),
        ({"skiff-role-active": "True"}, True),
        ({"skiff-role-active": "false"}, False),
        ({"skiff-role-active": "yes"}, False),
        ({}, False),
    ],
)
async def test_a_label_of_odd_case_is_still_the_label(
    labels: dict[str, str], *, expected: bool, world: Cluster
) -> None:
    world.pods([pod("diego-api-0", labels=labels), pod("diego-api-1")])
    assert (await world.observe()).known_pods[0].labelled_active is expected


@pytest.mark.parametrize(
    ("may_be_absent", "active", "expected"),
    [(True, {}, [None, None]), (True, {"skiff-role-active": "true"}, [True, False]), (False, {}, [False, False])],
)
async def test_a_label_that_no_pod_has_says_nothing_where_a_release_never_sets_it(
    active: dict[str, str], expected: list[bool | None], world: Cluster, *, may_be_absent: bool
) -> None:
    world.pods([pod("diego-api-0", labels=active), pod("diego-api-1", labels={})])
    label = replace(world.environment.active_label, may_be_absent=may_be_absent)
    seen = await world.with_(active_label=label).observe()
    assert [each.labelled_active for each in seen.known_pods] == expected


@pytest.mark.parametrize("ip", [None, ""])
async def test_a_pod_without_an_address_is_not_asked(ip: str | None, world: Cluster) -> None:
    world.pods([pod("diego-api-0"), pod("diego-api-1", ip=ip)])
    assert (await world.observe()).known_pods[1].probe is NOT_CONFIGURED


async def test_a_terminating_pod_is_asked_as_well(world: Cluster) -> None:
    world.pods([pod("diego-api-0", deletionTimestamp="2026-11-23T12:09:00Z"), pod("diego-api-1")])
    seen = await world.observe()
    assert (seen.known_pods[0].reply, seen.known_pods[0].pod.terminating) == (Reply.REFUSED, True)


ODD_PODS: dict[str, dict[str, Any]] = {
    "no containers": {
        "metadata": {"name": "p", "uid": "u"},
        "spec": {"containers": []},
        "status": {"podIP": "127.0.0.1"},
    },
    "only a name": {"metadata": {"name": "p", "uid": "u"}},
    "junk everywhere": {"metadata": {"name": "p", "uid": "u", "labels": 5}, "spec": [], "status": "Running"},
    "an address that is none": pod("p", ip="not an address"),
    "a status of an unnamed container": {
        "metadata": {"name": "p", "uid": "u"},
        "status": {"containerStatuses": [{"name": {}, "state": [], "restartCount": "x"}]},
    },
}


@pytest.mark.parametrize("what", ODD_PODS)
async def test_an_odd_pod_breaks_nothing_and_is_never_called_hung(what: str, world: Cluster) -> None:
    world.pods([ODD_PODS[what], pod("diego-api-1")])
    seen = await world.observe()
    assert len(seen.known_pods) == 2
    assert diagnose(seen).row != "25"


async def test_ten_pods_are_all_asked(world: Cluster) -> None:
    world.pods([pod(f"diego-api-{each}") for each in range(10)])
    seen = await world.observe()
    assert [each.reply for each in seen.known_pods] == [Reply.REFUSED] * 10


async def test_a_hundred_and_fifty_pods_are_asked_in_time(world: Cluster) -> None:
    world.pods([pod(f"diego-api-{each}") for each in range(150)])
    async with listening(silent) as port:
        seen = await world.with_(port=port).observe()
    assert [each.reply for each in seen.known_pods] == [Reply.OK] * 150


async def test_no_statefulset_is_an_answer_and_not_a_failure(world: Cluster) -> None:
    del world.api.answers[f"{SETS}/diego-api"]
    world.pods([])
    seen = await world.observe()
    assert (seen.workloads, seen.pods) == ((), ())


async def test_several_statefulsets_are_added_up(world: Cluster) -> None:
    world.api.answers[f"{SETS}/diego-api-z1"] = answering(statefulset("diego-api-z1", replicas=3))
    seen = await world.with_(statefulsets=("diego-api", "diego-api-z1")).observe()
    assert seen.desired == 5


# What could not be read


TROUBLE = {
    "forbidden": (refusing(403), "forbidden"),
    "failing": (refusing(500), "unavailable"),
    "not who you think": (refusing(401), "unauthorized"),
    "a login page": (saying("<html>Log in</html>", content_type="text/html"), "malformed"),
    "cut JSON": (saying('{"items": [{'), "malformed"),
    "not a list": (answering({"items": "none"}), "malformed"),
    "a list of nothing": (answering({"items": [None]}), "malformed"),
}
PARTS = {"pods": PODS, "endpoints": SLICES, "workloads": f"{SETS}/diego-api"}


@pytest.mark.parametrize("what", TROUBLE)
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_could_not_be_read_is_unknown_with_its_reason(part: str, what: str, world: Cluster) -> None:
    answer, word = TROUBLE[what]
    world.api.answers[PARTS[part]] = answer
    seen = getattr(await world.observe(), part)
    assert isinstance(seen, Unknown)
    assert seen.word == word
    assert seen.reason.endswith((".", "because"))


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_hangs_is_unknown_and_the_others_are_seen(part: str, world: Cluster) -> None:
    world.api.answers[PARTS[part]] = hanging
    seen = await world.with_(api_timeout=2).observe()
    assert isinstance(getattr(seen, part), Unknown)
    assert isinstance(seen.service, Probe)
    assert sum(isinstance(getattr(seen, each), Unknown) for each in PARTS) == 1


async def test_a_service_that_was_probed_stays_known_without_the_api(world: Cluster) -> None:
    world.api.answers = {"*": refusing(503)}
    seen = await world.observe()
    assert isinstance(seen.service, Probe)
    assert isinstance(seen.pods, Unknown)
    assert isinstance(seen.steady, Unknown)
    assert seen.known_pods == ()


async def test_a_second_list_that_fails_leaves_the_pods_and_takes_their_steadiness(world: Cluster) -> None:
    lists = 0

    async def once(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        lists += 1
        return await world._list(request) if lists == 1 else api_server.status(500)

    world.api.answers[PODS] = once
    seen = await world.observe()
    assert len(seen.known_pods) == 2
    assert isinstance(seen.steady, Unknown)
    assert diagnose(seen).row == "10"


async def test_pods_that_changed_between_the_lists_are_not_steady(world: Cluster) -> None:
    world.pods(
        [pod("diego-api-0"), pod("diego-api-1")],
        [pod("diego-api-0", uid="another"), pod("diego-api-1")],
    )
    seen = await world.observe()
    assert seen.steady is False
    assert seen.known_pods[0].probe is NOT_CONFIGURED
    assert diagnose(seen).row == "10"


async def test_pods_of_one_uid_are_not_taken_for_each_other(world: Cluster) -> None:
    """Only a broken API says so, but an accept must never be lost."""
    async with listening(silent) as port:
        world.pods([pod("diego-api-0", uid="u"), pod("diego-api-1", uid="u", ip="127.0.0.2")])
        seen = await world.with_(port=port).observe()
    assert [each.reply for each in seen.known_pods] == [Reply.OK, Reply.REFUSED]


async def test_one_statefulset_that_fails_leaves_no_request_running(world: Cluster) -> None:
    world.api.answers[f"{SETS}/diego-api"] = refusing(500)
    world.api.answers[f"{SETS}/diego-api-z1"] = hanging
    seen = await world.with_(statefulsets=("diego-api", "diego-api-z1"), api_timeout=2).observe()
    assert isinstance(seen.workloads, Unknown)
    assert seen.workloads.word == "unavailable"


# In time


async def duration(observation: Any) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await observation
    return loop.time() - began


async def test_an_observation_ends_in_time_when_everything_hangs(world: Cluster) -> None:
    world.api.answers = {"*": hanging}
    with black_hole() as port:
        assert await duration(world.with_(port=port).observe(SHORT)) < LONG


async def test_an_observation_ends_in_time_when_every_port_is_a_black_hole(world: Cluster) -> None:
    with black_hole() as port:
        quick = world.with_(port=port, database_address=f"127.0.0.1:{port}")
        assert await duration(quick.observe(SHORT)) < LONG


async def test_an_observation_without_time_knows_nothing_and_says_so(world: Cluster) -> None:
    seen = await world.observe(0)
    assert seen.pods == Unknown("No answer within 0 s.", "timeout")
    assert seen.service == Unknown("There was no time left for a probe.", "timeout")
    assert diagnose(seen).row == "10"


async def test_a_probe_that_was_cut_short_is_unknown_and_not_the_pods_fault(world: Cluster) -> None:
    with black_hole() as port:
        seen = await world.with_(port=port).observe(SHORT)
    for probe in (seen.known_pods[0].probe, seen.service):
        assert isinstance(probe, Unknown)
        assert probe.reason.startswith("There was too little time for a probe: 0.")
        assert probe.word == "timeout"
    assert seen.control is NOT_CONFIGURED


async def test_a_database_check_that_was_cut_short_does_not_say_that_it_is_down(world: Cluster) -> None:
    with black_hole() as port:
        seen = await world.with_(database_address=f"127.0.0.1:{port}").observe(SHORT)
    assert isinstance(seen.database, Unknown)


async def test_a_silent_service_leaves_the_pods_their_time(world: Cluster) -> None:
    """Both are asked at once: with the common scrape timeout of 5 s there is time for one timeout, not for two."""
    with black_hole() as port:
        seen = await world.with_(port=port, probe_timeout=2.4).observe(4)
    assert [each.reply for each in seen.known_pods] == [Reply.TIMEOUT, Reply.TIMEOUT]


# Database, Cloud Controller, Locket


async def test_a_database_that_accepts_is_reachable(world: Cluster) -> None:
    async with listening(silent) as port:
        assert (await world.with_(database_address=f"127.0.0.1:{port}").observe()).database is True


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:5432", "[::1]:1"])
async def test_a_database_that_refuses_or_does_not_resolve_is_not(address: str, world: Cluster) -> None:
    assert (await world.with_(database_address=address).observe()).database is False


async def test_cloud_controllers_are_counted(world: Cluster) -> None:
    world.pods([pod("api-0"), pod("api-1", ready="False")], selector=CC)
    assert (await world.with_(cloud_controller_selector=CC).observe()).cloud_controller == ReadyPods(1, 2)


async def test_cloud_controllers_that_can_not_be_listed_are_unknown(world: Cluster) -> None:
    world.api.answers[PODS] = refusing(403)
    assert isinstance((await world.with_(cloud_controller_selector=CC).observe()).cloud_controller, Unknown)


async def test_locket_pods_that_can_not_be_listed_make_locket_unknown(world: Cluster) -> None:
    world.api.answers[f"{SETS}/diego-locket"] = answering(statefulset("diego-locket", replicas=1))
    world.api.answers[PODS] = refusing(403)
    assert isinstance((await world.with_(locket=LocketWorkload("diego-locket", LOCKET)).observe()).locket, Unknown)


async def test_locket_of_its_own_is_seen(world: Cluster) -> None:
    world.pods([pod("diego-locket-0")], selector=LOCKET)
    world.api.answers[f"{SETS}/diego-locket"] = answering(statefulset("diego-locket", replicas=1))
    seen = await world.with_(locket=LocketWorkload("diego-locket", LOCKET)).observe()
    assert isinstance(seen.locket, Locket)
    assert seen.locket.all_ready


async def test_locket_whose_statefulset_is_not_there_is_missing(world: Cluster) -> None:
    world.pods([], selector=LOCKET)
    seen = await world.with_(locket=LocketWorkload("diego-locket", LOCKET)).observe()
    assert isinstance(seen.locket, Unknown)
    assert seen.locket.word == MISSING
    assert seen.locket.reason.startswith("There is no StatefulSet diego-locket")


@pytest.mark.parametrize("answer", [refusing(403), saying("junk"), answering({"metadata": {"name": "other"}})])
async def test_locket_that_can_not_be_read_is_unknown(answer: api_server.Answering, world: Cluster) -> None:
    world.pods([pod("diego-locket-0")], selector=LOCKET)
    world.api.answers[f"{SETS}/diego-locket"] = answer
    seen = await world.with_(locket=LocketWorkload("diego-locket", LOCKET)).observe()
    assert isinstance(seen.locket, Unknown)


# The control


async def test_a_control_is_asked_when_a_pod_is_silent(world: Cluster) -> None:
    with black_hole() as port:
        async with listening(silent) as cloud_controller:
            quick = world.with_(port=port, probe_timeout=2, cloud_controller_host=f"127.0.0.1:{cloud_controller}")
            seen = await quick.observe()
    assert seen.control == "the Cloud Controller's Service"
    assert diagnose(seen).row != "21"


async def test_no_control_that_answers_is_an_empty_answer(world: Cluster) -> None:
    asked: list[tuple[str, int]] = []

    class Noting(Prober):
        async def connect(self, host: str, port: int, timeout: float) -> Probe | Unknown:
            asked.append((host, port))
            return await super().connect("127.0.0.1", free_port(), timeout)

    with black_hole() as port:
        here = world.with_(port=port, probe_timeout=0.2)
        seen = await Observer(here.environment, here.kube, Noting(here.environment)).observe(ENOUGH)
    assert seen.control == ""
    assert asked == [("127.0.0.1", 8891), ("kubernetes.default.svc.cluster.local", 443)]


@pytest.mark.parametrize("conversation", [None, silent, listeners.hanging_up])
async def test_no_control_is_asked_where_a_path_is_proven(
    conversation: listeners.Conversation | None, world: Cluster
) -> None:
    async with contextlib.AsyncExitStack() as stack, listening(silent) as control:
        port = await stack.enter_async_context(listening(conversation)) if conversation else free_port()
        seen = await world.with_(port=port, cloud_controller_host=f"127.0.0.1:{control}").observe()
    assert seen.control is NOT_CONFIGURED


# What is remembered


async def test_without_an_answer_the_time_is_still_the_api_servers(world: Cluster) -> None:
    """Ours may be hours away from it, and a duration between the two would be wrong by that."""
    observer = Observer(world.environment, world.kube, now=lambda: datetime(1999, 1, 1, tzinfo=UTC))
    first = await observer.observe(ENOUGH)
    world.api.answers[PODS] = refusing(500)
    blind = await observer.observe(ENOUGH)
    assert timedelta(0) <= blind.taken_at - first.taken_at < timedelta(seconds=2 * ENOUGH)


async def test_since_when_pods_are_missing_is_remembered_fromobservation_to_observation(world: Cluster) -> None:
    observer = Observer(world.environment, world.kube)
    world.pods([pod("diego-api-0")])
    first = await observer.observe(ENOUGH)
    world.api.answers[PODS] = refusing(500)
    blind = await observer.observe(ENOUGH)
    assert first.missing_since == first.taken_at
    assert blind.missing_since is not None
    assert abs(blind.missing_since - first.taken_at) < timedelta(milliseconds=1)
    world.pods([pod("diego-api-0"), pod("diego-api-1")])
    assert (await observer.observe(ENOUGH)).missing_since is None
