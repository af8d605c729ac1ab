"""A whole environment under fake time: it comes up as the platform does, hangs as Diego does, is cured by a restart."""

import asyncio
from pathlib import Path

import pytest

from simulator.api_client import pods_path
from simulator.clock import parse_timestamp
from simulator.environment import Environment, simulated_environment
from simulator.layouts import CFEE_4_BEFORE, LAYOUTS, Layout
from simulator.listener import accepts
from simulator.resources import ENDPOINTS, STATEFULSETS
from tests.simulator.kit import Builder, active_labels, client, delete, exchange, listening, name, ready

pytestmark = pytest.mark.looptime
WITH_DIEGO = [profile for profile in LAYOUTS if profile != "eirini"]
PONG = b"\r\n\r\n\x08\x01"


def open_files() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("profile", WITH_DIEGO)
async def test_one_bbs_serves_and_the_service_leads_to_it(build: Builder, profile: str) -> None:
    async with build(profile) as env:
        assert len(await listening(env)) == 1
        assert (await exchange(env, env.service_host)).endswith(PONG)
        assert [ready(pod) for pod in env.pods()] == ["True", "True"]


@pytest.mark.parametrize(
    ("profile", "labels"),
    [("cfee-1", ["true", "false"]), ("cfee-2", ["true", "false"]), ("kubecf", ["active", None])],
)
async def test_the_label_is_as_the_platform_sets_it(build: Builder, profile: str, labels: list[str | None]) -> None:
    async with build(profile) as env:
        assert active_labels(env) == labels


async def test_everything_is_three_days_old_at_the_start(build: Builder) -> None:
    async with build("cfee-2") as env:
        for pod in env.pods():
            container = pod["status"]["containerStatuses"][0]
            for moment in (pod["metadata"]["creationTimestamp"], container["state"]["running"]["startedAt"]):
                assert (env.clock.now() - parse_timestamp(moment)).days == 3


async def test_without_diego_there_is_only_the_cloud_controller(build: Builder) -> None:
    async with build("eirini") as env:
        assert env.pods() == []
        assert [each["metadata"]["name"] for each in env.store.select(STATEFULSETS)] == ["api"]
        assert not await env.serves()
        host, port = env.cloud_controller_address.split(":")
        assert await accepts(host, int(port))


async def test_a_hang_and_its_cure_by_two_deletes_take_minutes_of_fake_time_and_a_second_of_real_time(
    build: Builder,
) -> None:
    async with build("cfee-2") as env:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await env.faults.hang()
        await asyncio.sleep(120)
        assert await listening(env) == []
        assert [ready(pod) for pod in env.pods()] == ["True", "True"]
        assert active_labels(env) == ["false", "false"]
        assert not await env.serves()
        before = env.pods()
        assert [(await delete(env, pod)).status for pod in before] == [200, 200]
        await asyncio.sleep(15)
        assert all("deletionTimestamp" in pod["metadata"] for pod in env.pods()), "a hung process ignores SIGTERM"
        await env.wait_for_service()
        assert loop.time() - began > 170, "minutes of fake time, a second of real time"
        assert len(await listening(env)) == 1
        assert not {pod["metadata"]["uid"] for pod in before} & {pod["metadata"]["uid"] for pod in env.pods()}


async def test_a_hung_bbs_stays_hung_for_ever(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.hang()
        await env.faults.heal()
        await asyncio.sleep(900)
        assert await listening(env) == []


async def test_a_short_cut_of_the_database_does_no_harm(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.hang(cut=10)
        await asyncio.sleep(60)
        assert len(await listening(env)) == 1
        assert [status["restartCount"] for pod in env.pods() for status in pod["status"]["containerStatuses"]] == [
            0
        ] * 4


async def test_restarting_one_hung_pod_is_enough_where_locket_is_inside(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.hang()
        await delete(env, env.pods()[0])
        await asyncio.sleep(120)
        assert await listening(env) == ["diego-api-0"]


@pytest.mark.parametrize("profile", ["cfee-1", "cfee-4"])
async def test_where_locket_hangs_on_its_own_only_its_restart_cures(build: Builder, profile: str) -> None:
    async with build(profile) as env:
        await env.faults.locket()
        assert await listening(env) == []
        for pod in env.pods():
            await delete(env, pod)
        await asyncio.sleep(300)
        assert await listening(env) == []
        locket = env.layout.locket
        assert locket is not None
        async with client(env) as api:
            for number in range(locket.replicas):
                await api.send("DELETE", pods_path(env.namespace, f"{locket.name}-{number}"))
        await asyncio.sleep(300)
        assert len(await listening(env)) == 1


async def test_sigterm_hands_the_lock_over_within_seconds(build: Builder) -> None:
    async with build("cfee-2") as env:
        await delete(env, env.pods()[0])
        await asyncio.sleep(8)
        assert await listening(env) == ["diego-api-1"]


async def test_the_endpoints_name_the_active_pod_only(build: Builder) -> None:
    async with build("cfee-2") as env:
        subset = env.store.get(ENDPOINTS, "cf", "diego-api")["subsets"][0]
        assert [address["targetRef"]["name"] for address in subset["addresses"]] == ["diego-api-0"]
        await env.faults.hang()
        await asyncio.sleep(10)
        assert env.store.get(ENDPOINTS, "cf", "diego-api")["subsets"] == []


async def test_a_pods_log_ends_where_the_bbs_hangs(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.hang(cut=40)
        async with client(env) as api:
            reply = await api.send("GET", pods_path("cf", "diego-api-0", "log"))
        assert reply.ok
        assert env.actors.kubelet.log("diego-api-0", None).endswith("bbs.starting\n")
        assert env.actors.kubelet.log("diego-api-1", "diego-api").endswith("locket-lock.lock-collision\n")


async def test_the_journal_tells_its_subscribers_what_happens(build: Builder) -> None:
    async with build("cfee-2") as env:
        heard: list[str] = []
        unsubscribe = env.journal.subscribe(lambda entry: heard.append(entry.sentence))
        await env.faults.failover()
        unsubscribe()
        await env.faults.heal()
        assert heard == ["The active BBS diego-api-0 is killed."]
        assert env.journal.entries[-1].sentence == "All causes are gone."


async def test_an_environment_leaves_no_descriptor_open(build: Builder) -> None:
    async with build("cfee-2"):  # whatever is opened once per process is opened now
        pass
    before = open_files()
    async with build("cfee-2") as env:
        await env.faults.hang()
        await env.faults.node_down("diego-api-0")
    assert open_files() == before


@pytest.mark.parametrize(("profile", "restarts"), [("cfee-2", 0), ("kubecf", 1)])
async def test_only_monit_restarts_the_bbs_unseen_by_kubernetes(build: Builder, profile: str, restarts: int) -> None:
    async with build(profile) as env:
        await env.faults.hang()
        await asyncio.sleep(30)
        assert await listening(env) == []
        statuses = [pod["status"]["containerStatuses"][0] for pod in env.pods()]
        assert sorted((status["restartCount"], status["ready"]) for status in statuses) == [(0, True), (restarts, True)]


@pytest.mark.parametrize(
    ("layout", "well", "hung"),
    [
        (LAYOUTS["cfee-2"], ["True", "True"], ["True", "True"]),
        (CFEE_4_BEFORE, ["False", "True"], ["False", "False"]),
        (LAYOUTS["cfee-4"], ["True", "True"], ["False", "True"]),
    ],
    ids=["SCF 2.12 asks Locket", "SCF 2.16.0 asks the BBS", "SCF 2.16.1 asks its health"],
)
async def test_readiness_in_the_fault_is_as_the_platform_probes_it(
    build: Builder, layout: Layout, well: list[str], hung: list[str]
) -> None:
    async with simulated_environment(layout, build.folder, build.options) as env:
        assert sorted(str(ready(pod)) for pod in env.pods()) == well
        await env.faults.hang(cut=40)
        await asyncio.sleep(30)
        assert sorted(str(ready(pod)) for pod in env.pods()) == hung


@pytest.mark.parametrize(("cut", "answer"), [(None, "200"), (40, "503")], ids=["Locket's died", "all died"])
async def test_after_lockets_return_a_bbs_serves_or_hangs_by_its_own_connection(
    build: Builder, cut: float | None, answer: str
) -> None:
    async with build("cfee-4") as env:
        await (env.faults.locket() if cut is None else env.faults.hang(cut))
        for number in range(2):
            await _restart(env, f"locket-{number}")
        await asyncio.sleep(900)
        (serving,) = [pod for pod in env.pods() if name(pod) in await listening(env)]
        assert (await exchange(env, serving["status"]["podIP"])).startswith(f"HTTP/1.1 {answer}".encode())


@pytest.mark.parametrize(("profile", "longest"), [("cfee-2", 30), ("kubecf", 65)])
async def test_a_hung_process_costs_monit_25_seconds_and_others_more(
    build: Builder, profile: str, longest: float
) -> None:
    async with build(profile) as env:
        await env.faults.hang()
        await asyncio.sleep(60)
        before = env.pods()[1]
        await delete(env, before)
        await asyncio.sleep(longest / 2)
        assert before["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in env.pods()}
        await asyncio.sleep(longest / 2)
        assert before["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in env.pods()}


async def test_a_lock_call_can_outlive_its_locket(build: Builder) -> None:
    async with build("cfee-4") as env:
        env.actors.diego.calls_end_with_locket = False
        for number in range(2):
            await _restart(env, f"locket-{number}")
        await env.faults.locket()
        for number in range(2):
            await _restart(env, f"locket-{number}")
        await asyncio.sleep(300)
        assert await listening(env) == []
        for pod in env.pods():
            await delete(env, pod)
        await asyncio.sleep(300)
        assert len(await listening(env)) == 1


async def _restart(env: Environment, pod: str) -> None:
    """Delete a pod and wait for its successor."""
    async with client(env) as api:
        await api.send("DELETE", pods_path(env.namespace, pod))
    await asyncio.sleep(120)


async def test_two_environments_run_at_once_on_the_same_port(build: Builder) -> None:
    async with build("cfee-2") as one, build("kubecf") as other:
        assert one.service_host != other.service_host
        assert [len(await listening(env)) for env in (one, other)] == [1, 1]


async def test_a_pod_can_be_made_older(build: Builder) -> None:
    async with build("cfee-2") as env:
        before = env.pods()[0]
        env.make_older(3600, name(before))
        await asyncio.sleep(2)
        after = env.pods()[0]
        moments = [parse_timestamp(pod["metadata"]["creationTimestamp"]) for pod in (before, after)]
        started = [
            parse_timestamp(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"])
            for pod in (before, after)
        ]
        assert [(one - two).total_seconds() for one, two in (moments, started)] == [3600, 3600]
