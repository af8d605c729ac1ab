import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import FOLDER, OPERATOR_APIS, Helm, HelmError, merged

pytestmark = pytest.mark.programs

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
"""Each begins with a comment that says what Helm must say."""
OPERATOR = FOLDER / "ci" / "prometheus-operator-values.yaml"


@pytest.mark.parametrize("values", BAD, ids=lambda path: path.stem)
def test_bad_values_are_refused_with_a_sentence_that_says_where_and_what(helm: Helm, values: Path) -> None:
    text = values.read_text()
    says = text.partition("\n")[0].removeprefix("# says: ")
    with pytest.raises(HelmError) as refused:
        helm.template(values=yaml.safe_load(text))
    assert says in str(refused.value)


def test_there_are_at_least_twenty_five_kinds_of_bad_values() -> None:
    assert len(BAD) >= 25


def test_a_key_with_nothing_behind_it_is_well_or_named(helm: Helm) -> None:
    """A section whose lines are all commented out takes its defaults away."""
    given = yaml.safe_load(OPERATOR.read_text())
    crashed = []
    for path in _keys(yaml.safe_load((FOLDER / "values.yaml").read_text())):
        nothing: dict[str, Any] = {path[-1]: None}
        values = merged(given, functools.reduce(lambda below, key: {key: below}, reversed(path[:-1]), nothing))
        try:
            helm.template(values=values)
        except HelmError as problem:
            crashed += [(path, str(problem))] if "executing" in str(problem) else []
    assert crashed == []


def _keys(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _keys(value, (*above, key))


def test_good_values_of_other_forms_are_taken(helm: Helm) -> None:
    address = {"service": {"host": "fd00::1"}, "database": {"address": "[fd00::2]:5432"}}
    cf = {"name": "cf", "profile": "cfee-1", "namespace": "cf", **address}
    rules = {"enabled": True, "for": {"StagerUnavailable": "1m30s", "StagerFlapping": "1w"}}
    text = helm.manifests(
        values={"environments": [cf], "remediator": {"mode": "observe"}, "prometheusRule": rules},
    )
    assert all(each in text for each in ("host: fd00::1", "'[fd00::2]:5432'", "for: 1m30s", "for: 1w"))


def test_all_mistakes_are_told_at_once(helm: Helm) -> None:
    values = Path(__file__).parent / "bad" / "two-mistakes-at-once.yaml"
    with pytest.raises(HelmError, match=r"(?s)act needs at least one entry.*name of an earlier environment"):
        helm.template("--values", values)


@pytest.mark.parametrize("missing", OPERATOR_APIS)
def test_a_missing_api_of_the_prometheus_operator_is_named(helm: Helm, missing: str) -> None:
    feature = missing.rpartition("/")[2]
    value = f"{feature[0].lower()}{feature[1:]}"
    with pytest.raises(HelmError) as refused:
        helm.template("--values", OPERATOR, apis=[api for api in OPERATOR_APIS if api != missing])
    assert f"{value}.enabled needs the Prometheus Operator's API {missing}" in str(refused.value)
    assert f"or say {value}.enabled=false" in str(refused.value)


def test_the_admission_policy_is_refused_before_kubernetes_1_30_with_what_to_say_instead(helm: Helm) -> None:
    with pytest.raises(
        HelmError, match=r"needs Kubernetes 1\.30 or later, and this is v1\.29\.9\. Say admissionPolicy"
    ):
        helm.template("--values", FOLDER / "ci" / "act-values.yaml", kubernetes="1.29.9")


def test_a_chart_packaged_without_dashboards_says_so(helm: Helm, tmp_path: Path) -> None:
    chart = tmp_path / "stagekeeper"
    for file in (each for each in FOLDER.rglob("*") if each.is_file() and each.suffix != ".json"):
        (chart / file.relative_to(FOLDER)).parent.mkdir(parents=True, exist_ok=True)
        (chart / file.relative_to(FOLDER)).write_bytes(file.read_bytes())
    with pytest.raises(HelmError, match="this chart was packaged without dashboards"):
        helm.run("template", chart, "--kube-version", "1.37.2", "--values", FOLDER / "ci" / "dashboards-values.yaml")
