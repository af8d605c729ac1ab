"""docs/install.md, its three ways, typed word by word by somebody whose cluster has a node and a Diego that serves."""

import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from simulator.layouts import LAYOUTS
from tests.chart import guide
from tests.chart.newcomer import NAMESPACE, Newcomer, arrive
from tests.chart.operator_apis import PLURALS, definitions
from tests.testbed.binaries import find_program
from tests.testbed.node.diego import Diego, make_diego
from tests.testbed.node.images import Image
from tests.testbed.node.node import node as running_node
from tests.testbed.node.product import client_files, until
from tests.testbed.node.state import all_serve
from tests.testbed.patience import HANG_GUARD
from tests.testbed.pods import is_ready
from tests.testbed.process import Process

pytestmark = pytest.mark.node
_IMAGE = "registry.example/stagekeeper:0.2.0"
"""As the guide calls it. It was built and brought here: there is no registry to pull it from."""
_PODS = 3
_TOOLS = ("helm", "kubectl", "amtool", "openssl")


@pytest.fixture(scope="module")
def diego(product_image: Image, stand_ins: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Diego]:
    """A Diego that serves, on a node that has the image under the guide's name."""
    folder = tmp_path_factory.mktemp("node")
    with running_node(folder, [product_image, stand_ins]) as node:
        node.tag(product_image, _IMAGE)
        made = make_diego(node, LAYOUTS["cfee-2"], f"{stand_ins.name}:node", folder / "certificates", period=3)
        until(partial(all_serve, made), "the readiness of Diego's pods")
        yield made


@pytest.fixture(scope="module")
def newcomer(diego: Diego, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    """Somebody in a clone, with the certificate of Diego's client, who has prepared the namespace."""
    folder, node = tmp_path_factory.mktemp("clone"), diego.node
    made = arrive(folder, node.plane, map(find_program, _TOOLS), *node.within.command("env"))
    for name, text in client_files(diego).items():
        (folder / name).write_text(text)
    made.prepare()
    return made


def test_first_it_says_which_diego_there_is(newcomer: Newcomer) -> None:
    (first,) = guide.of("First")
    said = newcomer.follow(first)
    assert "cfee-2" in said
    assert "ready" in said


def test_from_a_laptop_it_asks_from_the_cloud_controllers_pod(newcomer: Newcomer) -> None:
    (asked,) = (step for step in guide.of("3.") if "--from-pod" in step.content)
    said = newcomer.follow(asked)
    assert "from pod api-0" in said


def test_from_a_laptop_the_exporter_sees_the_bbs(newcomer: Newcomer, diego: Diego) -> None:
    (run,) = (step.content for step in guide.of("3.") if " exporter " in step.content)
    address = run.rpartition("=")[2]
    command, log = newcomer.command(f"exec {run}"), newcomer.folder / "exporter.log"
    with Process("exporter", command, log, newcomer.environment) as exporter:
        seen = partial(diego.node.within.inside, partial(_sees_the_bbs, f"http://{address}/metrics"))
        exporter.wait_until(seen, "a scrape that finds the BBS", HANG_GUARD)


def _sees_the_bbs(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- the node's own
            return any(line.startswith(b"bbs_reachable{") and line.endswith(b" 1.0\n") for line in answer)
    except OSError:
        return False


def test_with_the_prometheus_operator(newcomer: Newcomer, diego: Diego) -> None:
    files = [argument for file in definitions() for argument in ("--filename", f"{file}")]
    diego.node.plane.kubectl("create", "--validate=false", *files)
    diego.node.plane.wait_for_definitions(*(f"{plural}.monitoring.coreos.com" for plural in PLURALS.values()))
    with newcomer.situation("1."):
        _see_that_it_works(newcomer, diego)
    until(lambda: _pods(diego) == {}, "the end of its pods")


def test_with_plain_prometheus_and_alertmanager(newcomer: Newcomer, diego: Diego) -> None:
    with newcomer.situation("2."):
        _see_that_it_works(newcomer, diego)
        before = _pods(diego).keys()
        for step in guide.of("From `observe`"):
            newcomer.follow(step)
        until(lambda: not before & _pods(diego).keys() and _ready(diego), "the pods in mode act")
        running = _pods(diego).keys()
        for title in ("Upgrading", "Rotating"):
            for step in guide.of(title):
                newcomer.follow(step)
        assert _pods(diego).keys() == running
        _see_that_it_works(newcomer, diego)
    until(lambda: _pods(diego) == {}, "the end of its pods")


def _see_that_it_works(newcomer: Newcomer, diego: Diego) -> None:
    test, diagnose, status = guide.of("See that it works")
    assert "Phase:          Succeeded" in newcomer.follow(test)
    until(partial(_ready, diego), "the readiness of its pods")
    assert "serving" in newcomer.follow(diagnose)
    assert newcomer.follow(status).startswith("cf")


def _pods(diego: Diego) -> dict[str, Any]:
    """The product's pods, by their names."""
    found = diego.node.plane.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
    return {pod["metadata"]["name"]: pod for pod in found}


def _ready(diego: Diego) -> bool:
    pods = _pods(diego)
    return len(pods) == _PODS and all(map(is_ready, pods.values()))
