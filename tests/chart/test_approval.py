"""Approval by one line of kubectl, on the real API: by whoever has the right, and in nobody else's name."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediator import approval, record
from tests.chart.scene import Scene
from tests.testbed.patience import HANG_GUARD, until_true

pytestmark = [pytest.mark.real, pytest.mark.programs]

Kubectl = Callable[[str, str], "subprocess.CompletedProcess[str]"]
"""Runs a line of shell, in which `kubectl` is the real one, as a person of that name."""


@pytest.fixture(scope="module")
def as_person(here: Scene, program: Callable[[str], Path]) -> Kubectl:
    """Of two people alice may approve, by a Role with two rights; bob may only read."""
    plane, people = here.plane, here.other
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{here.namespace}"
    for name, verbs in (("alice", ["get", "patch"]), ("bob", ["get"])):
        plane.api.request("POST", f"/api/v1/namespaces/{people}/serviceaccounts", {"metadata": {"name": name}})
        rules = [{"apiGroups": ["stagekeeper.dev"], "resources": ["remediations"], "verbs": verbs}]
        plane.api.request("POST", f"{rbac}/roles", {"metadata": {"name": name}, "rules": rules})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": people}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        plane.api.request(
            "POST", f"{rbac}/rolebindings", {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
        )

    def run(name: str, line: str) -> "subprocess.CompletedProcess[str]":
        config = json.loads(plane.kubeconfig.read_text())
        config["users"] = [{"name": "testbed", "user": {"token": plane.service_account_token(people, name)}}]
        config["contexts"] = [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}]
        file = plane.folder / f"{people}-{name}.json"
        file.write_text(json.dumps(config))
        path = f"{program('kubectl').parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "KUBECONFIG": str(file)}
        return subprocess.run(
            ["/bin/sh", "-c", line], capture_output=True, text=True, timeout=HANG_GUARD, check=False, env=environment
        )

    return run


def _record(here: Scene, name: str) -> dict[str, Any]:
    path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{here.namespace}/remediations"
    if not here.plane.api.exists(f"{path}/{name}"):
        body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": name}}
        here.api("remediator").request("POST", path, {**body, "spec": {"environment": "cf"}})
    found: dict[str, Any] = here.plane.api.request("GET", f"{path}/{name}")
    return found


def _line(here: Scene, name: str) -> str:
    return f"kubectl -n {here.namespace} {approval.command(name, 'stuck_unavailable')}"


def test_the_line_records_the_name_by_which_the_api_server_knows_the_person(here: Scene, as_person: Kubectl) -> None:
    _record(here, "diego-api-r1")
    ended = as_person("alice", _line(here, "diego-api-r1"))
    assert (ended.returncode, ended.stderr) == (0, "")
    found = record.load(_record(here, "diego-api-r1"))
    assert found.approval == approval.Approval("stuck_unavailable", f"system:serviceaccount:{here.other}:alice")


def test_without_the_right_nobody_approves(here: Scene, as_person: Kubectl) -> None:
    _record(here, "diego-api-r2")
    ended = as_person("bob", _line(here, "diego-api-r2"))
    assert ended.returncode != 0
    assert 'cannot patch resource "remediations"' in ended.stderr
    assert record.load(_record(here, "diego-api-r2")).approval is None


@pytest.mark.parametrize(
    "claimed", ["somebody else", "x by system:serviceaccount:{people}:alice", "system:serviceaccount:{people}:bob"]
)
def test_nobody_approves_in_another_name(here: Scene, as_person: Kubectl, claimed: str) -> None:
    name = "diego-api-r3"
    _record(here, name)
    value = f"stuck_unavailable by {claimed.format(people=here.other)}"
    line = f"kubectl -n {here.namespace} annotate --overwrite remediation {name} '{approval.ANNOTATION}={value}'"
    said = "must be a diagnosis, the word by, and the name"
    # The policy may not be in force yet.
    until_true(lambda: said in as_person("alice", f"{line} --dry-run=server").stderr)
    assert said in as_person("alice", line).stderr
    assert record.load(_record(here, name)).approval is None


def test_an_approval_may_be_withdrawn_and_what_it_does_not_touch_may_change(here: Scene, as_person: Kubectl) -> None:
    name = "diego-api-r4"
    _record(here, name)
    assert as_person("alice", _line(here, name)).returncode == 0
    other = f"kubectl -n {here.namespace} annotate remediation {name} ticket=42"
    assert as_person("alice", other).returncode == 0
    assert (
        as_person("alice", f"kubectl -n {here.namespace} annotate remediation {name} {approval.ANNOTATION}-").returncode
        == 0
    )
    assert record.load(_record(here, name)).approval is None
