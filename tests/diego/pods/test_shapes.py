"""A pod as `kubectl describe` would put it: diagnosis, sentence and next command fit what Kubernetes says of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stagekeeper.diego.advice import advise
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.ping import PING
from stagekeeper.diego.probe import Prober
from stagekeeper.diego.profiles import Environment
from tests.diego.pods.builder import manifest
from tests.diego.world import ENOUGH, SETS, Cluster, statefulset
from tests.kube.api_server import answering

SHAPES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("shapes.yaml").read_text(encoding="utf-8"))
CF = replace(resolve(EnvironmentSettings(name="cf")), cloud_controller_selector=None)
HANGS = "Both BBS pods are Running but refuse connections on 8889: no active BBS."
NEXT = {
    Condition.NO_ACTIVE_BBS: "stagekeeper restart --environment cf --reason WHY",
    Condition.STARTING: "stagekeeper diagnose --environment cf",
}
FIRST, SECOND, THIRD = "10.244.0.10", "10.244.0.11", "10.244.0.12"


class SaidProber(Prober):
    """Meets what the table says; every address but the first pod's refuses."""

    def __init__(self, environment: Environment, reply: str) -> None:
        super().__init__(environment)
        self._reply = reply

    async def ask(self, host: str, timeout: float, path: str = PING) -> Probe | Unknown:
        """As the table says."""
        del timeout, path
        return Probe(Reply(self._reply) if host == FIRST else Reply.REFUSED)


class ObserverWithoutControl(Observer):
    """Asks nothing beyond the pods and the Service: the table has no network."""

    async def _control(self, *_: object) -> str:
        return ""


async def diagnosed(world: Cluster, shape: dict[str, Any]) -> tuple[Any, str]:
    """What an observation of such a pod is judged, and the next command."""
    pods = [manifest("diego-api-0", shape), manifest("diego-api-1", {"ip": SECOND})]
    if "beside" in shape:
        pods.append(manifest(shape["beside"]["name"], {"ip": THIRD, **shape["beside"]}))
    world.pods(pods)
    world.api.answers[f"{SETS}/diego-api"] = answering(
        statefulset() | {"status": {"observedGeneration": 1, "updateRevision": "diego-api-5d8f"}}
    )
    prober = SaidProber(CF, shape.get("reply", "refused"))
    seen = await ObserverWithoutControl(CF, world.kube, prober).observe(ENOUGH)
    found = diagnose(seen)
    return found, advise(seen, found).next_command(CF)


def test_there_are_many_shapes_and_each_is_there_once() -> None:
    assert len({shape["pod"] for shape in SHAPES}) == len(SHAPES) >= 40


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["pod"])
async def test_a_pod_is_described_as_what_it_is(world: Cluster, shape: dict[str, Any]) -> None:
    found, next_command = await diagnosed(world, shape)
    assert found.name is Condition(shape["diagnosis"]), found.why
    assert found.why == shape.get("says", HANGS)
    assert shape.get("evidence", found.evidence[0]) in found.evidence
    assert next_command == shape.get("next", NEXT.get(found.name))
