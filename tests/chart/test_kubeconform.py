"""What is rendered is valid for every supported Kubernetes, says the real kubeconform by Kubernetes' own schemas."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.chart import schemas
from tests.chart.helm import CI, FOLDER, Helm, HelmError
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.programs

TEMPLATES = "".join(each.read_text() for each in sorted((FOLDER / "templates").rglob("*")) if each.is_file())
COMPARED = {int(minor) for minor in re.findall(r'semverCompare "[<>=]+1\.(\d+)\.0-0"', TEMPLATES)}
"""The versions from which on something else is rendered."""
BANDS = sorted({schemas.MINORS[0], *COMPARED})
_LAYOUT = "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json"
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: it}
spec: {maxUnavailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow}
"""


@dataclass(frozen=True, slots=True)
class Judge:
    """kubeconform, with our schemas."""

    program: Path
    folder: Path

    def judge(self, minor: int, manifests: str) -> list[Any]:
        """What it says of each object that is not valid."""
        command: list[str | Path] = [self.program, "-strict", "-output", "json", "-kubernetes-version", f"1.{minor}.0"]
        # The Prometheus Operator's objects are judged by its own definitions: test_install.py.
        command += ["-skip", "ServiceMonitor,PrometheusRule,AlertmanagerConfig"]
        command += ["-schema-location", f"{self.folder}/{_LAYOUT}"]
        done = subprocess.run(command, input=manifests, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
        assert done.stderr == ""
        found: list[Any] = json.loads(done.stdout)["resources"]
        return found


@pytest.fixture(scope="module")
def judge(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """kubeconform, with the schemas of every version."""
    folder = tmp_path_factory.mktemp("schemas")
    history = json.loads(schemas.FILE.read_text())
    for minor in schemas.MINORS:
        (folder / f"v1.{minor}.0").mkdir()
        schemas.write(folder / f"v1.{minor}.0", minor, history)
    return Judge(program("kubeconform"), folder)


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> dict[int, str]:
    """Every ci file, and the definition of the records, for the first version of each band."""
    return {band: "\n---\n".join(_rendered(helm, values, band) for values in CI) for band in BANDS}


def _rendered(helm: Helm, values: Path, minor: int) -> str:
    """Nothing where the file asks for what this version does not have."""
    try:
        return helm.manifests("--include-crds", "--values", values, kubernetes=f"1.{minor}.0")
    except HelmError as refusal:
        if "admissionPolicy.enabled needs Kubernetes 1.30 or later" in str(refusal):
            return ""
        raise


@pytest.mark.parametrize("minor", schemas.MINORS, ids=lambda minor: f"1.{minor}")
def test_everything_that_is_rendered_is_strictly_valid(judge: Judge, rendered: dict[int, str], minor: int) -> None:
    band = max(each for each in BANDS if each <= minor)
    assert judge.judge(minor, rendered[band]) == []


def test_only_what_the_admission_policy_guards_is_not_rendered_for_older_versions(rendered: dict[int, str]) -> None:
    counts = {band: text.count("mode: act") for band, text in rendered.items()}
    assert counts == {25: 1, 27: 1, 30: 6}, "old-kubernetes-values.yaml switches the policy off"


def test_every_kind_that_is_rendered_is_judged(judge: Judge, rendered: dict[int, str]) -> None:
    kinds = set(re.findall(r"(?m)^kind: (\w+)$", rendered[BANDS[-1]]))
    judged = {kind for kinds in schemas.KINDS.values() for kind in kinds}
    assert kinds - {"ServiceMonitor", "PrometheusRule", "AlertmanagerConfig"} == judged
    assert len(list(judge.folder.glob("v1.37.0/*.json"))) == len(judged)


@pytest.mark.parametrize("minor", [25, 26])
def test_a_field_is_refused_before_the_version_that_brought_it(judge: Judge, minor: int) -> None:
    refused = judge.judge(minor, BUDGET)
    assert bool(refused) == (minor < 26)
    assert all("unhealthyPodEvictionPolicy" in each["msg"] for each in refused)


def test_a_misspelt_field_a_wrong_type_and_a_missing_field_are_refused(judge: Judge) -> None:
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: it}\nspec:\n  "
    pods = "template: {spec: {containers: []}}"
    for spec in (f"selector: {{}}\n  {pods}\n  replica: 1", f"selector: {{}}\n  {pods}\n  replicas: one", pods):
        assert [each["status"] for each in judge.judge(37, f"{head}{spec}\n")] == ["statusInvalid"]


def test_a_kind_that_a_version_does_not_serve_is_refused(judge: Judge) -> None:
    policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: it}\n"
    assert judge.judge(30, policy) == []
    (refused,) = judge.judge(29, policy)
    assert "could not find schema" in refused["msg"]
