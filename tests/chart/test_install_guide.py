"""docs/install.md, followed word by word in a clean folder, on the real Kubernetes API."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import guide
from tests.chart.cluster import CRD_PATH, ensure_namespace
from tests.chart.helm import Helm
from tests.chart.newcomer import NAMESPACE, RELEASE, SECRET, SECRETS, Newcomer, arrive, preparation
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

pytestmark = [pytest.mark.real, pytest.mark.programs]

NOT_TYPED_HERE = {
    "git clone": "this checkout is it",
    "make setup": "it has made the Python that runs this",
    ".venv/bin/python -m pip wheel": "tests/image makes the same wheel",
    ".venv/bin/python -m image.build_tree": "tests/image builds the same tree",
    "podman": "there is no container engine; tests/image does the Containerfile's steps without one",
    "kubectl -n stagekeeper exec": "there is no kubelet: tests/node/test_guide.py types it",
    "helm test": "there is no kubelet: tests/node/test_guide.py types it",
    ".venv/bin/stagekeeper diagnose --context my-cluster --from-pod": "likewise",
}
OURS = "app.kubernetes.io/part-of=stagekeeper"
_SECONDS = 60.0


@pytest.fixture(scope="module")
def newcomer(
    cluster: Helm, control_plane: ControlPlane, program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Newcomer]:
    """A clean folder with what a clone has, and a cluster with Diego's namespace."""
    folder = tmp_path_factory.mktemp("clone")
    ensure_namespace(control_plane, "cf")
    tools = (cluster.program, control_plane.binaries.kubectl, program("amtool"), program("openssl"))
    made = arrive(folder, control_plane, tools)
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (folder / name).write_text("made up")
    made.prepare()
    yield made
    for secret in ("stagekeeper-webhook", "diego-client"):
        control_plane.api.request("DELETE", f"{SECRETS}/{secret}")


def test_both_situations_prepare_the_namespace_in_the_same_way() -> None:
    assert preparation("1.") == preparation("2.") != []


def test_every_command_of_the_guide_is_typed_somewhere_here_or_has_a_reason() -> None:
    typed = ("1.", "2.", "From `observe`", "Upgrading", "Rotating", "Uninstalling", "First", "3.")
    left = {step.content for step in guide.STEPS if not step.section.startswith(typed)} - {*preparation("For 1 and 2")}
    assert [each for each in left if not each.startswith(tuple(NOT_TYPED_HERE))] == []


@pytest.mark.usefixtures("operator")
def test_with_the_prometheus_operator(newcomer: Newcomer) -> None:
    with newcomer.situation("1."):
        kinds = "servicemonitors,prometheusrules,alertmanagerconfigs"
        made = newcomer.type(f"kubectl -n {NAMESPACE} get {kinds} -o name").split()
        assert len(made) == 4


def test_with_plain_prometheus_and_alertmanager_from_observe_to_act_upgraded_and_rotated(newcomer: Newcomer) -> None:
    with newcomer.situation("2."):
        assert (newcomer.folder / "token").read_text() == newcomer.token()
        assert (newcomer.folder / "token").stat().st_mode & 0o077 == 0
        for title in ("From `observe`", "Upgrading", "Rotating"):
            for step in guide.of(title):
                newcomer.follow(step)
        config = yaml.safe_load(_config(newcomer))
        assert config["remediator"]["mode"] == "act"
        assert config["remediator"]["alertmanagers"] == [{"url": "http://alertmanager.monitoring:9093"}]
        secret = newcomer.plane.api.request("GET", SECRET)
        assert (newcomer.folder / "token").read_text() != newcomer.token()
        assert secret["metadata"].get("annotations", {}) == {}, "the token is nowhere but in the data"
    left = newcomer.type(f"kubectl -n {NAMESPACE} get deployments,services,roles,configmaps -l {OURS} -o name")
    assert left + newcomer.type(f"kubectl -n cf get roles -l {OURS} -o name") == ""
    assert newcomer.plane.api.exists(CRD_PATH)


def _config(newcomer: Newcomer) -> str:
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{RELEASE}"
    return str(newcomer.plane.api.request("GET", path)["data"]["config.yaml"])


def test_the_route_of_the_example_leads_to_the_remediator_and_to_people(newcomer: Newcomer) -> None:
    (command,) = (step.content for step in guide.STEPS if step.content.startswith("amtool"))
    assert newcomer.type(command).strip() == "stagekeeper,pager"


def test_from_a_laptop_diagnose_reads_the_cluster(newcomer: Newcomer) -> None:
    (first,) = guide.of("First")
    said = newcomer.type(f"{first.content} --timeout 5 || [ $? -eq 1 ]")  # there is no Diego
    assert said.startswith("cf: profile auto, namespace cf")


def test_from_a_laptop_the_exporter_runs(newcomer: Newcomer) -> None:
    (command,) = (step.content for step in guide.of("3.") if " exporter " in step.content)
    port = free_port()
    argv = newcomer.command(f"exec {command.replace('9889', str(port))}")
    with Process("exporter", argv, newcomer.folder / "exporter.log", newcomer.environment) as process:
        process.wait_until(lambda: _answers(f"http://127.0.0.1:{port}/-/healthy"), "its health", _SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=HANG_GUARD) as answer:  # noqa: S310 -- our own program
            return bool(answer.status == 200)
    except OSError:
        return False


def test_prometheus_finds_both_programs_and_nothing_else_and_names_the_jobs_as_the_rules_do(
    helm: Helm, program: Callable[[str], Path], tmp_path: Path
) -> None:
    (step,) = (step for step in guide.STEPS if step.file == "prometheus.yml")
    config = yaml.safe_load(step.content)
    (job,) = config["scrape_configs"]
    # Debian's promtool is built without Kubernetes, so it is told what the discovery would find.
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}]
    job["static_configs"] = [{"targets": [f"10.0.0.{index}:1"], "labels": found} for index, found in _found(helm)]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    _promtool(program("promtool"), tmp_path, "config", "prometheus.yml")
    found = _promtool(
        program("promtool"), tmp_path, "service-discovery", "--timeout=1s", "prometheus.yml", "stagekeeper"
    )
    kept = [each["labels"]["job"] for each in json.loads(found) if each["labels"]]
    assert sorted(kept) == ["stagekeeper-exporter", "stagekeeper-remediator"]


def _promtool(program: Path, folder: Path, *arguments: str) -> str:
    command: list[str | Path] = [program, "check", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _found(helm: Helm) -> Iterator[tuple[int, dict[str, str]]]:
    """The labels that Prometheus gives to the pods of the chart, and to one of somebody else."""
    rendered = helm.template(values={"remediator": {"mode": "observe"}})
    pods: list[Any] = [each["spec"]["template"]["metadata"]["labels"] for each in rendered.of("Deployment")]
    for index, labels in enumerate([*pods, {"app.kubernetes.io/name": "other"}]):
        meta = {f"__meta_kubernetes_pod_label_{_sanitized(name)}": value for name, value in labels.items()}
        yield index, {**meta, "__meta_kubernetes_pod_container_port_name": "http"}


def _sanitized(name: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in name)
