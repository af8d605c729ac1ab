"""What people read and wait for with kubectl alone, on the real API: conditions, Events, descriptions."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from remediator import record, telling
from remediator.remediation import Phase, Reason, Remediation
from stagekeeper.cli.commands import stagekeeper
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import connect
from tests.chart.scene import Scene

pytestmark = [pytest.mark.real, pytest.mark.programs]


def stored(here: Scene, name: str) -> Remediation:
    """A record that has been opened."""
    path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{here.namespace}/remediations"
    body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": name}}
    return record.load(here.api("remediator").request("POST", path, {**body, "spec": {"environment": "cf"}}))


def moved(here: Scene, found: Remediation, phase: Phase) -> Remediation:
    """The record in another phase."""
    path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{here.namespace}/remediations/{found.name}/status"
    body = record.store(found.moved(phase, Reason.SERVING, "diego-api-0 is the active BBS.", datetime.now(UTC)))
    return record.load(here.plane.api.request("PUT", path, body))


def test_kubectl_waits_for_the_conditions(here: Scene) -> None:
    def waits(condition: str, *, timeout: str = "60s") -> bool:
        try:
            here.plane.kubectl(
                *("wait", "-n", here.namespace, f"--for=condition={condition}", "remediation/diego-api-r1"),
                f"--timeout={timeout}",
            )
        except subprocess.CalledProcessError:
            return False
        return True

    watching = moved(here, stored(here, "diego-api-r1"), Phase.WATCHING)
    assert not waits("Recovered", timeout="1s")
    moved(here, watching, Phase.RECOVERED)
    assert waits("Recovered")
    assert waits("Complete")
    assert waits("Escalated=false")


async def test_kubectl_describe_tells_of_the_record_and_of_a_deleted_pod(here: Scene) -> None:
    found, now = stored(here, "diego-api-r2"), datetime.now(UTC)
    async with connect(here.kubeconfig("remediator")) as kube:
        listed = await workloads.list_pods(kube, here.namespace, "skiff-role-name=diego-api", timeout=5)
        pod = next(each for each in listed.pods if each.name == "diego-api-0")
        for event in (
            telling.of_record(found, Reason.ALERT, "Opened: StagerUnavailable is firing for cf.", now, None),
            telling.of_deletion(found, pod, now),
        ):
            await events.emit(kube, here.namespace, event, timeout=5)
    of_pod = here.plane.kubectl("describe", "pod", "-n", here.namespace, "diego-api-0")
    assert "Deleted by Stagekeeper's remediator (diego-api-r2" in of_pod
    of_record = here.plane.kubectl("describe", "remediation", "-n", here.namespace, "diego-api-r2")
    assert "Opened: StagerUnavailable is firing for cf." in of_record
    assert "stagekeeper.dev/remediator" in of_record


def test_every_field_of_the_record_is_explained(here: Scene) -> None:
    told = here.plane.kubectl("explain", "remediation", "--recursive=false")
    assert "One remediation of one environment's BBS" in told
    assert "<no description>" not in here.plane.kubectl("explain", "remediation.status")


def test_what_the_remediator_does_is_told_with_its_own_rights(here: Scene, tmp_path: Path) -> None:
    """As by `kubectl exec` in its pod, for whoever has nothing installed."""
    stored(here, "diego-api-r3")
    configuration = tmp_path / "stagekeeper.yaml"
    configuration.write_text(f"environments: [{{name: cf, profile: cfee-2, namespace: {here.namespace}}}]")
    given = ("--config.file", str(configuration), "--kubeconfig", str(here.kubeconfig("remediator")))
    for command in ("status", "explain"):
        ended = CliRunner().invoke(stagekeeper, [command, *given])
        assert (ended.exit_code, ended.stderr) == (0, "")
        assert "diego-api-r" in ended.stdout
        assert "orbidden" not in ended.stdout
