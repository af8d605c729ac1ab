"""The chart's NetworkPolicies, enforced: what has to get through does, and nothing else."""

import contextlib
from collections.abc import Iterator
from functools import partial

import pytest

from simulator.layouts import LAYOUTS
from simulator.pods.database import CONTROL_PORT
from tests.chart.cluster import RELEASE
from tests.chart.helm import FOLDER, Helm
from tests.testbed.node.diego import make_diego
from tests.testbed.node.images import Image
from tests.testbed.node.node import Node
from tests.testbed.node.node import node as running_node
from tests.testbed.node.plane import ADDRESS
from tests.testbed.node.policies import policy_engine
from tests.testbed.node.product import NAMESPACE, Product, all_ready, prepare, until, values
from tests.testbed.node.state import all_serve
from tests.testbed.pods import is_ready

pytestmark = pytest.mark.node
_PORTS = {"exporter": 9889, "remediator": 9890}
_ASK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
_MONITORING, _STRANGERS = "monitoring", "strangers"
_MAY_CALL = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": _MONITORING}}}


@pytest.fixture(scope="module")
def product(product_image: Image, stand_ins: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with its policies in force, beside a Diego, and a pod in each of two other namespaces."""
    folder = tmp_path_factory.mktemp("node")
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(running_node(folder, [product_image, stand_ins]))
        stack.enter_context(policy_engine(node))
        diego = make_diego(node, LAYOUTS["cfee-1"], f"{stand_ins.name}:node", folder / "certificates", period=3)
        made = Product(node, Helm(node.tool("helm"), folder, node.plane.kubeconfig), diego)
        prepare(node, diego)
        for namespace in (_MONITORING, _STRANGERS):
            _caller(node, namespace, f"{stand_ins.name}:node")
        policies = {
            "enabled": True,
            "apiServerPorts": [int(node.plane.url.rpartition(":")[2])],
            "prometheusPeers": [_MAY_CALL],
            "alertmanagerPeers": [_MAY_CALL, {"ipBlock": {"cidr": f"{ADDRESS}/32"}}],
        }
        given = values(diego, product_image) | {"networkPolicy": policies}
        made.helm.run("install", RELEASE, FOLDER, "--namespace", NAMESPACE, values=given)
        until(partial(all_serve, diego), "the readiness of Diego's pods")
        until(partial(all_ready, made), "the product's readiness")
        yield made


@pytest.mark.parametrize("program", _PORTS)
def test_a_pod_of_the_monitoring_gets_through_and_a_strangers_does_not(product: Product, program: str) -> None:
    (target,) = {pod["status"]["podIP"] for pod in product.pods(program)[:1]}
    port = f"{_PORTS[program]}"
    until(lambda: _connects(product.node, _MONITORING, "caller", target, port), "the way in")
    until(lambda: not _connects(product.node, _STRANGERS, "caller", target, port), "the shut door")


def test_what_helm_test_asks_gets_through(product: Product) -> None:
    assert "Phase:          Succeeded" in product.helm.run("test", RELEASE, "--namespace", NAMESPACE)


@pytest.mark.parametrize("program", _PORTS)
def test_the_bbs_and_the_api_are_reached_and_the_database_is_not(product: Product, program: str) -> None:
    said = product.kubectl("exec", f"deploy/{RELEASE}-{program}", "--", "stagekeeper", "diagnose")
    assert "serving" in said
    (database,) = [each for each in product.diego.pods() if each["metadata"]["name"] == "database"]
    address = database["status"]["podIP"]
    pod = product.pods(program)[0]["metadata"]["name"]
    until(lambda: not _connects(product.node, NAMESPACE, pod, address, f"{CONTROL_PORT}"), "the shut door")
    # It is the policy that keeps it out: whoever has none is let in.
    assert _connects(product.node, _STRANGERS, "caller", address, f"{CONTROL_PORT}")


def _caller(node: Node, namespace: str, image: str) -> None:
    """A pod that only sleeps, from which a test connects."""
    api = node.plane.api
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    until(lambda: api.exists(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"), "the ServiceAccount")
    container = {"name": "caller", "image": image, "imagePullPolicy": "Never", "command": ["sleep", "infinity"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
    api.request("POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "caller"}, "spec": spec})
    path = f"/api/v1/namespaces/{namespace}/pods/caller"
    until(lambda: is_ready(api.request("GET", path)), "the caller's readiness")


def _connects(node: Node, namespace: str, pod: str, address: str, port: str) -> bool:
    """Whether a connection from a pod is accepted. A policy drops it (time-out) or rejects it."""
    command = f"python3 -c '{_ASK}' {address} {port} && echo connected || true"
    return "connected" in node.plane.kubectl("exec", "--namespace", namespace, pod, "--", "sh", "-c", command)
