"""What docs/install.md says of values and rights; test_install_guide.py follows it step by step."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.cache import ROOT
from tests.chart.guide import STEPS, TEXT, UnknownStepError, steps
from tests.chart.helm import FOLDER, Helm, rights

VALUES = [step.content for step in STEPS if step.file == "values.yaml"]


@pytest.mark.programs
@pytest.mark.parametrize("values", VALUES, ids=range(len(VALUES)))
def test_the_values_in_the_guide_can_be_installed(helm: Helm, values: str) -> None:
    assert helm.template(values=yaml.safe_load(values)).of("Deployment")


def test_the_example_of_prometheus_scrapes_the_pods_as_the_guide_does() -> None:
    (guide,) = (yaml.safe_load(step.content) for step in STEPS if step.file == "prometheus.yml")
    example = yaml.safe_load((ROOT / "alerts" / "prometheus.example.yaml").read_text())
    times = {key: example["global"][key] for key in ("scrape_interval", "scrape_timeout")}
    assert [times | job for job in example["scrape_configs"]] == guide["scrape_configs"]


@pytest.mark.parametrize("code", ["    curl there\n", "1. Then\n\n       docker run it\n", "```sh\nhelm list\n```\n"])
def test_code_in_the_guide_that_nobody_has_taught_is_refused(code: str) -> None:
    with pytest.raises(UnknownStepError, match=r"docs/install\.md: teach"):
        steps(f"{TEXT}\n{code}")


@pytest.mark.programs
def test_the_table_of_rights_is_what_the_roles_grant(helm: Helm) -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \| `(\w+) ([\w/]+)` \|", TEXT)
    told = {(who, f"{verb} {resource}") for who, verb, resource in rows}
    act = helm.template("--values", FOLDER / "ci" / "act-values.yaml")
    assessment = set(rights(act.roles("exporter")))
    managed = set(rights(act.roles("remediator"))) - assessment
    auto = set(rights(helm.template("--values", FOLDER / "ci" / "exporter-only-values.yaml").of("Role"))) - assessment
    granted = {("both", each) for each in assessment}
    granted |= {("remediator, `act` only" if each == "delete pods" else "remediator", each) for each in managed}
    granted |= {("exporter, profile `auto` only", each) for each in auto}
    assert told == granted


@pytest.mark.parametrize(
    "document", [ROOT / "docs" / "install.md", ROOT / "charts/stagekeeper/README.md"], ids=lambda path: path.name
)
def test_no_link_leads_nowhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", document.read_text())
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []
