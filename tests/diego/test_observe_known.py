"""What an observer keeps between observations, where it asks, and what it leaves out."""

import asyncio
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from aiohttp import web

from stagekeeper.diego import observe
from stagekeeper.diego.observation import NOT_CONFIGURED, Locket, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.probe import PING, Prober
from stagekeeper.diego.profiles import LocketWorkload
from tests.diego.listeners import black_hole, listening, silent
from tests.diego.world import CC, ENOUGH, LOCKET, PODS, SETS, Cluster, pod, statefulset
from tests.kube.api_server import answering, hanging


async def test_pods_of_the_last_observation_are_asked_before_the_list_has_come(world: Cluster) -> None:
    asked = asyncio.Queue[None]()

    async def converse(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(None)

    async with listening(converse) as port:
        here = world.with_(port=port, service_host="127.0.0.2")
        observer = Observer(here.environment, here.kube)
        await observer.observe(ENOUGH)
        await asyncio.wait_for(asked.get(), ENOUGH)
        await asyncio.wait_for(asked.get(), ENOUGH)
        world.api.answers[PODS] = hanging
        observation = asyncio.create_task(observer.observe(ENOUGH))
        await asyncio.wait_for(asked.get(), ENOUGH)
        observation.cancel()
        await asyncio.wait({observation})


async def test_a_pod_that_is_gone_since_the_last_observation_is_not_heard(world: Cluster) -> None:
    observer = Observer(world.environment, world.kube)
    await observer.observe(ENOUGH)
    world.pods([pod("diego-api-0", uid="another")])
    seen = await observer.observe(ENOUGH)
    assert [(each.pod.uid, each.reply) for each in seen.known_pods] == [("another", Reply.REFUSED)]


async def test_a_pod_that_has_another_address_since_the_last_observation_is_asked_there(world: Cluster) -> None:
    observer = Observer(world.environment, world.kube)
    await observer.observe(ENOUGH)
    world.pods([pod("diego-api-0", ip="127.0.0.2"), pod("diego-api-1")])
    seen = await observer.observe(ENOUGH)
    assert [isinstance(each.probe, Probe) and each.probe.address for each in seen.known_pods] == [
        "127.0.0.2",
        "127.0.0.1",
    ]


async def test_an_answer_is_not_heard_if_the_second_list_shows_another_address(world: Cluster) -> None:
    world.pods([pod("diego-api-0")], [pod("diego-api-0", ip="127.0.0.2")])
    assert (await world.observe()).known_pods[0].probe is NOT_CONFIGURED


async def test_a_silent_pod_that_is_gone_costs_no_time(world: Cluster) -> None:
    """Its probe is under way before the list says so, and is given up."""
    with black_hole() as port:
        here = world.with_(port=port, service_host="127.0.0.3", probe_timeout=30.0)
        observer = Observer(here.environment, here.kube)
        await observer.observe(1.0)
        world.pods([])
        async with asyncio.timeout(20):
            seen = await observer.observe(60.0)
    assert seen.pods == ()


class Counting(Prober):
    """Counts the pods that are asked at the same time."""

    now = most = 0

    async def ask(self, host: str, timeout: float, path: str = PING) -> Probe:  # noqa: ARG002 -- the signature of what it stands for
        """A refusal, after a while."""
        if host == "127.0.0.1":
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.01)
            self.now -= 1
        return Probe(Reply.REFUSED)


async def test_64_pods_are_asked_at_once_and_no_more(world: Cluster) -> None:
    world.pods([pod(f"diego-api-{number}") for number in range(70)])
    environment = world.with_(service_host="127.0.0.2").environment
    prober = Counting(environment)
    seen = await Observer(environment, world.kube, prober).observe(ENOUGH)
    assert ([each.reply for each in seen.known_pods], prober.most) == ([Reply.REFUSED] * 70, 64)


# A refusal where no label could contradict us


def unlabelled(*names: str) -> list[dict[str, Any]]:
    return [pod(name, labels={}) for name in names]


def without_label(world: Cluster, **changes: Any) -> Cluster:
    label = replace(world.environment.active_label, may_be_absent=True)
    return world.with_(active_label=label, **changes)


async def test_a_bbs_that_was_seen_to_accept_is_a_witness_for_as_long_as_the_process_lives(world: Cluster) -> None:
    world.pods(unlabelled("diego-api-0", "diego-api-1"))
    async with listening(silent) as port:
        here = without_label(world, port=port)
        observer = Observer(here.environment, here.kube)
        accepting = await observer.observe(ENOUGH)
    refused = await observer.observe(ENOUGH)
    anew = await Observer(here.environment, here.kube).observe(ENOUGH)
    assert accepting.witness is NOT_CONFIGURED
    assert refused.witness == "diego-api-0 accepted at 2026-11-23 12:00:00 UTC"
    assert anew.witness == ""


async def test_another_port_of_a_bbs_pod_is_a_witness(world: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pods(unlabelled("diego-api-0", "diego-api-1"))
    async with listening(silent) as port:
        monkeypatch.setattr(observe, "HEALTH_PORT", port)
        seen = await without_label(world).observe()
    assert seen.witness == f"port {port} of diego-api-0"


async def test_no_witness_is_asked_where_the_platform_sets_a_label(world: Cluster) -> None:
    assert (await world.observe()).witness is NOT_CONFIGURED


async def test_without_time_nobody_else_is_asked_and_that_is_no_answer(world: Cluster) -> None:
    """The second list has taken it all."""
    lists = count()

    async def once(request: web.Request) -> web.StreamResponse:
        return await (hanging(request) if next(lists) % 2 else world._list(request))

    world.pods(unlabelled("diego-api-0"))
    world.api.answers[PODS] = once
    with black_hole() as port:
        seen = await world.with_(port=port, probe_timeout=0.1).observe(2)
    assert seen.control == Unknown("There was no time left to ask a control.", "timeout")
    assert (await without_label(world).observe(2)).witness == Unknown(
        "There was no time left to ask another port.", "timeout"
    )


# Pods that have ended


async def test_a_pod_that_has_ended_is_not_asked_since_its_address_may_be_anothers(world: Cluster) -> None:
    ended = pod("diego-api-0", ownerReferences=[{"kind": "StatefulSet", "name": "diego-api", "controller": True}])
    ended["status"]["phase"] = "Succeeded"
    world.pods([ended, pod("diego-api-1")])
    seen = await world.observe()
    assert [each.probe is NOT_CONFIGURED for each in seen.known_pods] == [True, False]


async def test_a_pod_that_has_ended_and_belongs_to_nobody_is_left_out_and_said(world: Cluster) -> None:
    stray = pod("diego-api-migrate-x2")
    stray["status"]["phase"] = "Succeeded"
    world.pods([stray, pod("diego-api-0"), pod("diego-api-1")])
    seen = await world.observe()
    assert [each.pod.name for each in seen.known_pods] == ["diego-api-0", "diego-api-1"]
    assert seen.notes == ("diego-api-migrate-x2 has ended and belongs to no StatefulSet of ours: left out.",)
    assert seen.steady is True


async def test_a_pod_with_lockets_labels_that_has_ended_and_is_anothers_is_left_out(world: Cluster) -> None:
    """Such as a job's. One that runs, or that Locket's own StatefulSet has to replace, is not."""
    owner: dict[str, Any] = {"ownerReferences": [{"kind": "StatefulSet", "name": "diego-locket", "controller": True}]}
    own, certs, runs = pod("diego-locket-0", **owner), pod("diego-locket-certs-x2"), pod("diego-locket-debug")
    own["status"]["phase"] = certs["status"]["phase"] = "Succeeded"
    world.pods([own, certs, runs], selector=LOCKET)
    world.api.answers[f"{SETS}/diego-locket"] = answering(statefulset("diego-locket", replicas=1))
    seen = await world.with_(locket=LocketWorkload("diego-locket", LOCKET)).observe()
    assert isinstance(seen.locket, Locket)
    assert [each.name for each in seen.locket.pods] == ["diego-locket-0", "diego-locket-debug"]


async def test_a_cloud_controller_pod_that_has_ended_is_none(world: Cluster) -> None:
    evicted = pod("api-0-old", ready="False")
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted"}
    world.pods([evicted, pod("api-0")], selector=CC)
    assert (await world.with_(cloud_controller_selector=CC).observe()).cloud_controller == ReadyPods(1, 1)
