"""Faults of a Diego in real pods, seen and ended by the installed product, with its alerts as the way in."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.layouts import LAYOUTS, Workload
from tests.chart.helm import Helm
from tests.testbed.node.diego import kept_by_quarks, make_diego
from tests.testbed.node.images import Image
from tests.testbed.node.node import node as running_node
from tests.testbed.node.product import Product, install, start_monitoring, until
from tests.testbed.node.quarks import quarks
from tests.testbed.node.runtime import NODE
from tests.testbed.node.state import ENDED, REACHABLE, all_serve, ended, has_plan, uids
from tests.testbed.node.witness import witness
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.node
_FIRING = 'ALERTS{alertname="StagerUnavailable",environment="cf",alertstate="firing"}'
_TODAYS = {"cfee-1": True, "cfee-2": False, "cfee-4": True, "kubecf": False}
"""By profile whether Prometheus and Alertmanager are today's or Debian's."""
_MEMORY = 2 * 2**30
"""Bytes that a node with everything on it may take."""
Object = dict[str, Any]


@pytest.fixture(scope="module", params=_TODAYS)
def product(
    request: pytest.FixtureRequest, product_image: Image, stand_ins: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """The product on a node of its own, beside a Diego of this profile that serves."""
    folder = tmp_path_factory.mktemp("node")
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(running_node(folder, [product_image, stand_ins]))
        diego = make_diego(node, LAYOUTS[request.param], f"{stand_ins.name}:node", folder / "certificates", period=3)
        if kept_by_quarks(diego.layout):
            stack.enter_context(quarks(diego, interval=3))
        helm = Helm(node.tool("helm"), folder, node.plane.kubeconfig)
        product = install(node, helm, diego, product_image)
        start_monitoring(product, folder / "monitoring", stack, newest=_TODAYS[request.param])
        until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")
        until(partial(all_serve, product.diego), "the readiness of Diego's pods")
        yield product


def test_helm_test_passes(product: Product) -> None:
    assert "Phase:          Succeeded" in product.helm.run("test", "stagekeeper", "--namespace", "stagekeeper")


def test_the_command_in_the_exporters_pod_says_that_the_bbs_serves(product: Product) -> None:
    assert "serving" in product.stagekeeper("diagnose")


def test_the_tutorials_fault_is_ended_by_one_restart_of_each_pod(product: Product) -> None:
    before, opened = uids(product.diego), len(product.records())
    product.diego.do("cut")
    until(lambda: product.value(REACHABLE) == 0, "the loss of the lock")
    product.diego.do("restore")
    record = until(partial(ended, product, opened), "the end of the remediation")
    status = record["status"]
    assert (status["phase"], status["plan"]["diagnosis"]) == ("Recovered", "no_active_bbs"), status
    assert {each["uid"] for each in status["deletions"]} == set(before.values())
    assert record["spec"]["alertname"] == "StagerUnavailable"
    assert _events(product, "Remediation") == ["AlertFired", "GatesOpen", "PodsDeleted", "Serving"]
    assert _events(product, "Pod") == ["Restarted"] * len(before)
    after = uids(product.diego)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    until(lambda: product.value(_FIRING) is None, "the alert's end")


def test_a_lasting_503_is_escalated_and_fixed_once_a_person_approves(product: Product) -> None:
    before, opened = uids(product.diego), len(product.records())
    product.diego.do("stick")
    escalated = until(partial(ended, product, opened), "the escalation")["status"]
    assert (escalated["phase"], escalated["reason"]) == ("Escalated", "AwaitingApproval"), escalated
    assert uids(product.diego) == before
    _run_what_it_says(product, escalated["message"])
    status = until(partial(ended, product, opened + 1), "the end of the approved remediation")["status"]
    assert (status["phase"], status["plan"]["diagnosis"]) == ("Recovered", "stuck_unavailable"), status
    assert not set(uids(product.diego).values()) & {each["uid"] for each in status["deletions"]}
    until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")


def test_a_killed_bbs_is_followed_by_one_that_serves_and_nothing_is_deleted(product: Product) -> None:
    before, opened = uids(product.diego), len(product.records())
    owner = product.diego.do("look")["owner"]
    with witness(product) as seen:
        _kill_bbs(product, owner)
        until(lambda: product.value(REACHABLE) == 0 or _restarted(product, owner), "the end of the BBS")
        until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")
        until(partial(_all_ended, product), "the end of what the alert opened")
    assert uids(product.diego) == before
    assert _deleted(product, opened) == []
    assert seen.wrong() == []


def test_a_fail_over_by_hand_is_left_alone(product: Product) -> None:
    opened, owner = len(product.records()), product.diego.do("look")["owner"]
    with witness(product) as seen:
        product.kubectl("delete", "pod", owner, "--namespace", product.diego.layout.namespace)
        until(partial(all_serve, product.diego), "the readiness of Diego's pods")
        until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")
        until(partial(_all_ended, product), "the end of what the alert opened")
    assert _deleted(product, opened) == []
    assert seen.wrong() == []


def test_while_the_kubelet_is_held_up_a_bbs_that_serves_is_left_alone(product: Product) -> None:
    before, opened = uids(product.diego), len(product.records())
    kubelet = product.node.running.kubelet
    with witness(product) as seen:
        kubelet.freeze()
        try:
            until(partial(_node_is, product, "Unknown"), "the node's loss")
            assert product.value(REACHABLE) == 1
        finally:
            kubelet.thaw()
        until(partial(_node_is, product, "True"), "the node's return")
        until(partial(all_serve, product.diego), "the readiness of Diego's pods")
    assert uids(product.diego) == before
    assert _deleted(product, opened) == []
    assert seen.wrong() == []


def test_pods_that_no_node_takes_are_a_persons_business(product: Product) -> None:
    opened, plane = len(product.records()), product.node.plane
    bbs, namespace = _bbs(product), product.diego.layout.namespace
    names = [f"{bbs.name}-{number}" for number in range(bbs.replicas)]
    plane.kubectl("cordon", NODE)
    try:
        plane.kubectl("delete", "pods", *names, "--namespace", namespace)
        record = until(partial(ended, product, opened), "the escalation")
    finally:
        plane.kubectl("uncordon", NODE)
    assert record["status"]["phase"] == "Escalated"
    assert "nschedulable" in record["status"]["message"], record["status"]["message"]
    assert _deleted(product, opened) == []
    until(lambda: product.value(REACHABLE) == 1, "a BBS that serves")
    until(lambda: product.value(_FIRING) is None, "the alert's end")


def test_an_api_server_killed_at_the_plan_costs_no_pod_twice(product: Product) -> None:
    before, opened = uids(product.diego), len(product.records())
    until(partial(all_serve, product.diego), "the readiness of Diego's pods")
    product.diego.do("cut")
    until(lambda: product.value(REACHABLE) == 0, "the loss of the lock")
    product.diego.do("restore")
    until(partial(has_plan, product, opened), "the plan")
    product.node.plane.restart_apiserver()
    status = until(partial(ended, product, opened), "the end of the remediation")["status"]
    assert (status["phase"], status["plan"]["diagnosis"]) == ("Recovered", "no_active_bbs"), status
    assert sorted(each["uid"] for each in status["deletions"]) == sorted(before.values())


def test_the_node_and_all_on_it_fit_into_two_gib(product: Product) -> None:
    assert product.node.within.memory() <= _MEMORY


def _events(product: Product, kind: str) -> list[str]:
    """The reasons of the remediator's events about objects of this kind, the oldest first."""
    path = f"/api/v1/namespaces/{product.diego.layout.namespace}/events"
    events = product.node.plane.api.request("GET", path)["items"]
    events.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    ours = [each for each in events if each["reportingComponent"] == "stagekeeper.dev/remediator"]
    return [each["reason"] for each in ours if each["involvedObject"]["kind"] == kind]


def _kill_bbs(product: Product, pod: str) -> None:
    """SIGKILL to its process. From the node: the first process of a container can't be killed from within."""
    group = f"/{product.node.within.group}/"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            command, groups = (process / "cmdline").read_bytes(), (process / "cgroup").read_text()
            supervisor = b"simulator.pods.supervisor" in command
            if group in groups and not supervisor and f"simulator.bbs\0--owner\0{pod}\0".encode() in command:
                os.kill(int(process.name), signal.SIGKILL)


def _restarted(product: Product, pod: str) -> bool:
    """Whether Kubernetes saw a container of it end: without monit it does."""
    (found,) = [each for each in product.diego.pods() if each["metadata"]["name"] == pod]
    return any(each["restartCount"] for each in found["status"]["containerStatuses"])


def _bbs(product: Product) -> Workload:
    workload = product.diego.layout.bbs
    assert workload is not None
    return workload


def _node_is(product: Product, ready: str) -> bool:
    status = product.node.plane.api.request("GET", f"/api/v1/nodes/{NODE}")["status"]
    return any(each["type"] == "Ready" and each["status"] == ready for each in status["conditions"])


def _all_ended(product: Product) -> bool:
    return product.value(_FIRING) is None and all(each["status"]["phase"] in ENDED for each in product.records())


def _deleted(product: Product, after: int) -> list[str]:
    """The pods that the remediations after so many others have deleted."""
    records = product.records()[after:]
    return [each["name"] for record in records for each in record["status"].get("deletions", [])]


def _run_what_it_says(product: Product, message: str) -> None:
    """Type the command that the escalation tells its reader, word by word, into a shell that has this cluster."""
    found = re.search(r"if it does not migrate: (kubectl .* annotate .*stuck_unavailable.*)$", message)
    assert found, message
    plane = product.node.plane
    shell = os.environ | {"PATH": f"{plane.folder}:{os.environ['PATH']}", "KUBECONFIG": f"{plane.kubeconfig}"}
    subprocess.run(("sh", "-c", found.group(1)), env=shell, capture_output=True, timeout=HANG_GUARD, check=True)
