"""What docs/install.md says, tried."""

import re
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.render import CHART, ROOT
from tests.chart.helm import FOLDER, Helm

TEXT = (ROOT / "docs" / "install.md").read_text()
BLOCKS = [textwrap.dedent(block) for _, block in re.findall(r"(?ms)^( *)```yaml\n(.*?)^\1```", TEXT)]
VALUES = [block for block in BLOCKS if block.startswith("# values.yaml")]


@pytest.mark.programs
@pytest.mark.parametrize("values", VALUES, ids=range(len(VALUES)))
def test_the_values_in_the_guide_can_be_installed(helm: Helm, values: str) -> None:
    assert helm.template(values=yaml.safe_load(values)).of("Deployment")


@pytest.mark.programs
def test_the_table_of_rights_is_what_the_roles_grant(helm: Helm) -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \| `(\w+) ([\w/]+)` \|", TEXT)
    told = {(who, f"{verb} {resource}") for who, verb, resource in rows}
    act = helm.template("--values", FOLDER / "ci" / "act-values.yaml")
    look = _granted(act.one("Role", "stagekeeper-exporter-cf"))
    keep = _granted(act.one("Role", "stagekeeper-remediator-diego-api")) - look
    auto = _granted(helm.template("--values", FOLDER / "ci" / "exporter-only-values.yaml").of("Role")[0]) - look
    granted = {("both", each) for each in look}
    granted |= {("remediator, `act` only" if each == "delete pods" else "remediator", each) for each in keep}
    granted |= {("exporter, profile `auto` only", each) for each in auto}
    assert told == granted


@pytest.mark.programs
def test_prometheus_accepts_the_scrape_configuration(program: Callable[[str], Path], tmp_path: Path) -> None:
    (block,) = (each for each in BLOCKS if each.startswith("# prometheus.yml"))
    config = yaml.safe_load(block)
    for job in config["scrape_configs"]:  # Debian's promtool is built without Kubernetes
        assert job.pop("kubernetes_sd_configs")[0]["role"] == "pod"
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [str(program("promtool")), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "document", [ROOT / "docs" / "install.md", ROOT / CHART / "README.md"], ids=lambda path: path.name
)
def test_no_link_leads_nowhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", document.read_text())
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def _granted(role: dict[str, Any]) -> set[str]:
    return {f"{verb} {resource}" for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
