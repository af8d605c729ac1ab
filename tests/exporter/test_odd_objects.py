"""Odd objects, from the API's JSON to the text of `/metrics`: none crashes the exporter or makes a number up."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from exporter.app import application
from exporter.scrape import Targets
from exporter.settings import ConfigurationFile
from stagekeeper.diego.auto import observer
from stagekeeper.kube.client import Kube
from tests.diego.listeners import environment
from tests.diego.world import SETS, SLICES, Cluster, pod, statefulset
from tests.exporter.programs import number
from tests.kube.api_server import answering, api_server, connected
from tests.testbed.process import free_port

READY, ACTIVE = 'diego_api_ready{environment="cf"}', 'active_bbs_count{environment="cf"}'
DESIRED, UP = 'diego_api_desired{environment="cf"}', 'stagekeeper_kubernetes_up{environment="cf"}'


def diagnosed(name: str) -> str:
    return f'diego_bbs_diagnosis{{diagnosis="{name}",environment="cf"}}'


def of_pod(what: str, name: str = "diego-api-0") -> str:
    return f'diego_api_pod_{what}{{environment="cf",pod="{name}"}}'


def labelled(**labels: str) -> dict[str, Any]:
    return pod("diego-api-0", labels={key.replace("_", "-"): value for key, value in labels.items()})


def bare(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "diego-api-0", "uid": "u"}, **parts}


def pods(*first: dict[str, Any]) -> Callable[[Cluster], None]:
    return lambda world: world.pods([*first, pod("diego-api-1")])


def no_statefulset(world: Cluster) -> None:
    del world.api.answers[f"{SETS}/diego-api"]


def nothing(world: Cluster) -> None:
    no_statefulset(world)
    world.pods([])


def a_pod_of_another(world: Cluster) -> None:
    """Two StatefulSets match the selector, of which one is configured."""
    world.pods([*(pod(f"{name}-{each}") for name in ("diego-api", "other") for each in (0, 1))])


def no_slices(world: Cluster) -> None:
    """A Service without a selector has no EndpointSlices but those that somebody made by hand."""
    by_hand = {"endpoints": [{"addresses": ["10.9.9.9"]}, {"conditions": {}}, {"addresses": None}]}
    world.api.answers[SLICES] = answering({"items": [by_hand]})


ODD: dict[str, tuple[Callable[[Cluster], None], dict[str, float | None]]] = {
    "no labels": (pods(labelled()), {ACTIVE: 0, READY: 2, of_pod("active"): 0}),
    "a label of odd case": (pods(labelled(skiff_role_active="True")), {ACTIVE: 1, of_pod("active"): 1}),
    "a label of another value": (pods(labelled(skiff_role_active="yes")), {ACTIVE: 0, of_pod("active"): 0}),
    "a pod without IP": (pods(pod("diego-api-0", ip=None)), {READY: 2, of_pod("serving"): None, ACTIVE: 0}),
    "a pod without containers": (pods(bare(spec={"containers": []})), {READY: 1, of_pod("ready"): 0}),
    "a pod of which only the name is known": (pods(bare()), {READY: 1, of_pod("ready"): 0, of_pod("serving"): None}),
    "a pod made of junk": (pods(bare(spec=[], status="Running")), {READY: 1, of_pod("ready"): 0}),
    "a pod without name": (pods({"metadata": {"uid": "u"}}), {READY: None, ACTIVE: None, UP: 0, DESIRED: 2}),
    "a Terminating pod that is labelled active": (
        pods(pod("diego-api-0", labels={"skiff-role-active": "true"}, deletionTimestamp="2026-11-23T12:09:00Z")),
        {ACTIVE: 0, of_pod("active"): 0, diagnosed("rolling_out"): 1},
    ),
    "ten pods": (
        lambda world: world.pods([pod(f"diego-api-{each}") for each in range(10)]),
        {READY: 10, of_pod("ready", "diego-api-9"): 1, DESIRED: 2, diagnosed("rolling_out"): 1},
    ),
    "no StatefulSet, but its pods": (no_statefulset, {DESIRED: None, READY: 2, diagnosed("observer_fault"): 1}),
    "neither StatefulSet nor pods": (
        nothing,
        {DESIRED: None, READY: None, 'bbs_reachable{environment="cf"}': None, diagnosed("not_applicable"): 1},
    ),
    "two StatefulSets that match": (a_pod_of_another, {DESIRED: 2, READY: 4, diagnosed("rolling_out"): 1}),
    "a StatefulSet without a number of replicas": (
        lambda world: world.api.answers.update({f"{SETS}/diego-api": answering(statefulset(replicas="two"))}),  # type: ignore[arg-type]  # odd on purpose
        {DESIRED: None, UP: 0, READY: 2},
    ),
    "a Service without a selector": (no_slices, {READY: 2, UP: 1}),
}


@pytest.fixture
async def kube(tmp_path: Path) -> AsyncIterator[tuple[Cluster, Kube]]:
    """Two pods that refuse, behind an API that a test plays."""
    async with api_server() as api, connected(api.url, tmp_path) as client:
        world = Cluster(api, client, environment(free_port()))
        world.pods([pod("diego-api-0"), pod("diego-api-1")])
        api.answers[f"{SETS}/diego-api"] = answering(statefulset())
        api.answers[SLICES] = answering({"items": []})
        yield world, client


@pytest.mark.parametrize("what", ODD)
async def test_an_odd_object_crashes_nothing_and_makes_no_number_up(what: str, kube: tuple[Cluster, Kube]) -> None:
    world, client = kube
    change, expected = ODD[what]
    change(world)
    async with aclosing(Targets(lambda each: observer(each, client).observe)) as targets:
        await targets.use((world.environment,), 1)
        app = application(targets, ConfigurationFile(None), CollectorRegistry(), [])
        async with TestClient(TestServer(app)) as browser:
            async with browser.get("/metrics") as response:
                text = await response.text()
            async with browser.get("/") as response:
                assert response.status == 200
    assert {series: number(text, series) for series in expected} == expected
    assert number(text, diagnosed("no_active_bbs")) == 0
