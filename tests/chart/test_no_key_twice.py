"""No key is rendered twice: some readers take the last of two, some refuse the file, and nobody sees which counts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CI, FOLDER, Helm, Rendered, merged

pytestmark = pytest.mark.programs

OURS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
)
"""Labels that the chart sets by itself."""
LABELS = dict.fromkeys((*OURS, "team"), "mine")
ANNOTATIONS = dict.fromkeys(
    ("checksum/config", "kubectl.kubernetes.io/default-container", "prometheus.io/scrape", "note"), "mine"
)
PROGRAM: dict[str, Any] = {
    "podLabels": LABELS,
    "podAnnotations": ANNOTATIONS,
    "serviceAccount": {"annotations": ANNOTATIONS},
    "service": {"annotations": ANNOTATIONS},
    "extraArgs": ["--log.level=debug"],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "dnsConfig": {"searches": ["example"]},
}
MONITORING = {"enabled": True, "labels": {**LABELS, "release": "prometheus"}}
ANOTHER_JOB = {"targetLabel": "job", "replacement": "mine"}
RELABELINGS = [{"targetLabel": "cluster", "replacement": "prod"}, ANOTHER_JOB]
EVERYTHING: dict[str, Any] = {
    "commonLabels": LABELS,
    "exporter": PROGRAM,
    "remediator": PROGRAM,
    "prometheusAnnotations": {"enabled": True},
    "serviceMonitor": {
        **MONITORING,
        "namespace": "monitoring",
        "endpoint": {"relabelings": RELABELINGS, "metricRelabelings": RELABELINGS},
    },
    "prometheusRule": {
        **MONITORING,
        "namespace": "monitoring",
        "disabled": ["StagerSlow"],
        "for": {"StagerUnavailable": "3m"},
        "runbookLanguage": "ko",
    },
    "alertmanagerConfig": MONITORING,
    "dashboards": {**MONITORING, "annotations": ANNOTATIONS},
}
"""Labels, annotations and relabelings that are the chart's own ones too, wherever a user may give some."""


class Repeated(Exception):
    """A key stands twice in one mapping; the message says which and where."""


class StrictLoader(yaml.SafeLoader):
    """Reads YAML, and refuses a mapping that has a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the library's signature
        """As the library's own, which keeps the last of two."""
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise Repeated(f"{key.value} again in line {key.start_mark.line + 1}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_strictly(manifests: str) -> list[Any]:
    """Every document of a YAML stream, and every one within the data of a ConfigMap. Raises `Repeated`."""
    found = [each for each in yaml.load_all(manifests, StrictLoader) if each]
    for each in found:
        if each["kind"] == "ConfigMap":
            for name, text in each["data"].items():
                if not name.endswith(".json"):  # dashboards, which no template touches
                    yaml.load(text, StrictLoader)  # noqa: S506 -- a SafeLoader
    return found


def test_the_reader_refuses_a_key_that_stands_twice() -> None:
    with pytest.raises(Repeated, match="a again in line 3"):
        read_strictly("kind: it\na: 1\na: 2\n")
    with pytest.raises(Repeated, match="a again in line 2"):
        read_strictly("kind: ConfigMap\ndata:\n  it.yaml: |\n    a: 1\n    a: 2\n")


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> Rendered:
    """The least that can be installed, and all of it."""
    return helm.template(values=merged(EVERYTHING, {"remediator": {"mode": "observe"}}))


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_no_key_stands_twice_whatever_the_user_adds(helm: Helm, values: Path) -> None:
    assert read_strictly(helm.manifests(values=merged(yaml.safe_load(values.read_text()), EVERYTHING)))


def test_what_pods_are_selected_by_is_never_the_users(rendered: Rendered) -> None:
    for deployment in rendered.of("Deployment"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert labels["app.kubernetes.io/part-of"] == "stagekeeper", "what docs/install.md scrapes by"
        assert labels["team"] == "mine"


def test_relabelings_come_before_the_name_that_the_rules_select_by(rendered: Rendered) -> None:
    """The job is the last word: with another one every rule is blind."""
    for monitor in rendered.of("ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        *theirs, ours = endpoint["relabelings"]
        assert theirs == RELABELINGS
        assert ours == {"targetLabel": "job", "replacement": monitor["metadata"]["name"]}


def test_an_annotation_of_the_users_does_not_hide_a_changed_configuration(rendered: Rendered) -> None:
    for deployment in rendered.of("Deployment"):
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert len(annotations["checksum/config"]) == 64
        assert annotations["note"] == annotations["prometheus.io/scrape"] == "mine"


def test_ci_files_have_no_key_twice() -> None:
    for path in (*CI, FOLDER / "values.yaml"):
        yaml.load(path.read_text(), StrictLoader)  # noqa: S506 -- a SafeLoader
