"""The life of an installed release on a node: rights, a drain, new Secrets, an upgrade, a rollback, its end."""

import contextlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.layouts import LAYOUTS
from tests.chart.cluster import CRD_PATH, RELEASE
from tests.chart.forbidden import ATTEMPTS, PODS, READ_ONLY, Attempt, refusal
from tests.chart.helm import FOLDER, Helm
from tests.testbed.api import ApiError
from tests.testbed.node.callers import callers
from tests.testbed.node.diego import make_diego
from tests.testbed.node.images import Image
from tests.testbed.node.inventory import everything
from tests.testbed.node.node import node as running_node
from tests.testbed.node.plane import NodeApi
from tests.testbed.node.product import (
    CLIENT,
    NAMESPACE,
    TOKEN,
    Product,
    all_ready,
    client_files,
    prepare,
    start_monitoring,
    until,
    values,
)
from tests.testbed.node.runtime import NODE
from tests.testbed.node.state import REACHABLE, all_serve, ended, has_plan, uids
from tests.testbed.node.witness import witness
from tests.testbed.pods import is_ready

pytestmark = pytest.mark.node
_TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_EXPIRES = 'bbs_certificate_expiry_timestamp_seconds{which="client"}'
_LOAD = 15
"""Calls of each pod, before a change and after it."""
Object = dict[str, Any]


class Installed:
    """A release, where its monitoring has its files, and what the cluster held before."""

    def __init__(self, product: Product, values: Object, monitoring: Path, before: set[str]) -> None:
        self.product, self.values, self.monitoring, self.before = product, values, monitoring, before

    def helm(self, command: str, *arguments: str, **values: Any) -> None:
        """A command of Helm's on the release; it waits for nothing."""
        given = {"values": self.values | values} if command in {"install", "upgrade"} else {}
        self.product.helm.run(command, RELEASE, *arguments, "--namespace", NAMESPACE, **given)


@pytest.fixture(scope="module")
def installed(product_image: Image, stand_ins: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A release on a node of its own, beside a Diego that serves."""
    folder = tmp_path_factory.mktemp("node")
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(running_node(folder, [product_image, stand_ins]))
        diego = make_diego(node, LAYOUTS["cfee-1"], f"{stand_ins.name}:node", folder / "certificates", period=3)
        product = Product(node, Helm(node.tool("helm"), folder, node.plane.kubeconfig), diego)
        prepare(node, diego)
        until(partial(all_serve, diego), "the readiness of Diego's pods")
        made = Installed(product, values(diego, product_image), folder / "monitoring", everything(node.plane))
        made.helm("install", str(FOLDER))
        until(partial(all_ready, product), "the product's readiness")
        start_monitoring(product, made.monitoring, stack, newest=True)
        until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")
        yield made


def test_a_pods_own_token_opens_nothing_but_what_it_is_for(installed: Installed) -> None:
    product = installed.product
    remediator, exporter = (_own_api(product, program) for program in ("remediator", "exporter"))
    there = [each for each in ATTEMPTS if each.pod in {"", "diego-api-0"}]
    for api, attempts in ((remediator, there), (exporter, READ_ONLY)):
        passed = [each.title for each in attempts if each.says not in _refusal(product, api, each)]
        assert passed == []
    right = Attempt("the delete that it is for", "DELETE", f"{PODS}/diego-api-0", pod="diego-api-0")
    assert _refusal(product, remediator, right) == ""


def test_a_drain_takes_one_remediator_at_a_time(installed: Installed) -> None:
    product, plane = installed.product, installed.product.node.plane
    first, second = map(_name, product.pods("remediator"))
    plane.kubectl("cordon", NODE)
    try:
        _evict(product, first)
        until(lambda: first not in _names(product), "the end of the evicted pod")
        with pytest.raises(ApiError, match="would violate the pod's disruption budget"):
            _evict(product, second)
        assert second in {_name(pod) for pod in product.pods("remediator") if is_ready(pod)}
    finally:
        plane.kubectl("uncordon", NODE)
    until(partial(all_ready, product), "the product's readiness")
    _evict(product, second)
    until(lambda: second not in _names(product) and all_ready(product), "the product's readiness")


def test_a_new_webhook_token_is_taken_up_under_load(installed: Installed) -> None:
    product, new = installed.product, secrets.token_urlsafe()
    pods = _running(product)
    with callers(product, product.token()) as old_token, callers(product, new) as new_token:
        until(lambda: old_token.fewest() >= _LOAD and new_token.fewest() >= 1, "calls with both tokens")
        _replace_secret(product, TOKEN, {"token": new})
        until(new_token.accepted, "the new token's acceptance")
        before = new_token.fewest(), old_token.fewest()
        until(lambda: new_token.fewest() >= before[0] + _LOAD, "calls with the new token")
        until(lambda: old_token.fewest() >= before[1] + _LOAD, "calls with the old token")
    assert new_token.changes() == {(401, 200)}
    assert old_token.changes() == {(200,)}
    assert _running(product) == pods
    (installed.monitoring / "token").write_text(new)


def test_a_new_client_certificate_is_taken_up_while_the_bbs_is_asked(installed: Installed) -> None:
    product = installed.product
    pods, end = _running(product), datetime.now(UTC).replace(microsecond=0) + timedelta(days=300)
    product.diego.certificates.renew_client(end)
    with witness(product) as seen:
        until(lambda: len(seen.samples) >= 1, "a scrape before the change")
        _replace_secret(product, CLIENT, client_files(product.diego))
        until(lambda: product.value(_EXPIRES) == end.timestamp(), "the new certificate's use")
        taken = len(seen.samples)
        until(lambda: len(seen.samples) > taken + 1, "scrapes after it")
    assert [sample for sample in seen.samples if len(sample.said) != 1] == []
    assert seen.wrong() == []
    assert _running(product) == pods


def test_a_remediation_goes_on_through_an_upgrade_and_a_rollback(installed: Installed) -> None:
    product = installed.product
    before, opened = uids(product.diego), len(product.records())
    pods = _names(product)
    product.diego.do("cut")
    until(lambda: product.value(REACHABLE) == 0, "the loss of the lock")
    product.diego.do("restore")
    until(lambda: len(product.records()) > opened, "the remediation")
    installed.helm("upgrade", str(FOLDER), logging={"level": "debug"})
    until(lambda: any(is_ready(pod) and _name(pod) not in pods for pod in product.pods("remediator")), "a new pod")
    upgraded = _names(product) - pods
    until(partial(has_plan, product, opened), "the plan")
    installed.helm("rollback", "1")
    status = until(partial(ended, product, opened), "the end of the remediation")["status"]
    until(lambda: not _names(product) & upgraded and all_ready(product), "the pods as they were before")
    assert (status["phase"], status["plan"]["diagnosis"]) == ("Recovered", "no_active_bbs"), status
    assert sorted(each["uid"] for each in status["deletions"]) == sorted(before.values())
    assert len(product.records()) == opened + 1
    arguments = [pod["spec"]["containers"][0]["args"] for pod in product.pods()]
    assert [each for each in arguments if "--log.level=debug" in each] == []
    until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")


def test_when_it_is_uninstalled_its_records_and_their_definition_stay_and_nothing_else(installed: Installed) -> None:
    product, plane = installed.product, installed.product.node.plane
    records = {record["metadata"]["name"] for record in product.records()}
    installed.helm("uninstall")
    until(lambda: product.pods() == [], "the end of its pods")
    kept = {f"Remediation/{product.diego.layout.namespace}/{name}" for name in records}
    kept |= {f"CustomResourceDefinition//{CRD_PATH.rpartition('/')[2]}", "APIService//v1alpha1.stagekeeper.dev"}
    until(lambda: everything(plane) - installed.before <= kept, "the end of everything else")
    assert kept <= everything(plane)
    assert installed.before - everything(plane) == set()
    assert records


def _own_api(product: Product, program: str) -> NodeApi:
    """The API server as a pod knows it: with the token that kubelet gave it."""
    token = product.kubectl("exec", f"deploy/{RELEASE}-{program}", "--", "cat", _TOKEN_FILE)
    plane = product.node.plane
    return NodeApi(plane.url, plane.ca_file, token, product.node.within.inside)


def _refusal(product: Product, api: NodeApi, attempt: Attempt) -> str:
    names = {"ns": product.diego.layout.namespace, "release": NAMESPACE, "other": "default"}
    pod = next((each for each in product.diego.pods() if each["metadata"]["name"] == attempt.pod), None)
    assert bool(pod) == bool(attempt.pod), f"there is no pod {attempt.pod}"
    return refusal(api, attempt, names, pod)


def _evict(product: Product, pod: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    product.node.plane.api.request("POST", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction", body)


def _replace_secret(product: Product, name: str, data: dict[str, str]) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"
    product.node.plane.api.request("PATCH", path, {"stringData": data}, "application/merge-patch+json")


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _names(product: Product) -> set[str]:
    return set(map(_name, product.pods()))


def _running(product: Product) -> set[tuple[str, int]]:
    """Each pod's UID and how often its container was started again."""
    return {
        (pod["metadata"]["uid"], each["restartCount"])
        for pod in product.pods()
        for each in pod["status"]["containerStatuses"]
    }
