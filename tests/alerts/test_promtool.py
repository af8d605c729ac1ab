"""The rules run in promtool, and its tests notice when a rule is changed."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.catalogue import ALERTS, ALERTS_FOLDER

pytestmark = pytest.mark.programs

Program = Callable[[str], Path]
RULE_FILES = sorted(ALERTS_FOLDER.glob("*.rules.yaml"))
TEST_FILES = sorted((ALERTS_FOLDER / "tests").glob("*.yaml"))


def promtool(program: Program, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_promtool_accepts_every_rule_file(program: Program) -> None:
    result = promtool(program, "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_accepts_the_example_of_prometheus(program: Program) -> None:
    result = promtool(program, "check", "config", ALERTS_FOLDER / "prometheus.example.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_the_rules_pass(program: Program, path: Path) -> None:
    result = promtool(program, "test", "rules", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_is_seen_to_fire_and_seen_to_wait() -> None:
    tests: list[dict[str, Any]] = [test for path in TEST_FILES for test in yaml.safe_load(path.read_text())["tests"]]
    expected = [each for test in tests for each in test.get("alert_rule_test", [])]
    names = {alert.name for alert in ALERTS}
    assert {each["alertname"] for each in expected if each.get("exp_alerts")} == names
    assert {each["alertname"] for each in expected if not each.get("exp_alerts")} == names


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change of the rules that the named file of promtool's tests has to notice."""

    effect: str
    tests: str
    what_is: str
    what_it_becomes: str


LATCH = '        unless on (environment)\n        ALERTS{alertname="StagerUnavailable", alertstate="firing"}\n'
MUTATIONS = (
    Mutation("an outage that pages at once", "silence", "for: 2m\n    keep_firing_for", "keep_firing_for"),
    Mutation("a page that comes late", "unavailable", "for: 2m\n    keep_firing_for", "for: 150s\n    keep_firing_for"),
    Mutation("a false end of the alert", "unavailable", "keep_firing_for: 1m", "keep_firing_for: 15s"),
    Mutation("a metric that does not exist", "unavailable", "bbs_reachable{", "bbs_reachible{"),
    Mutation("missed scrapes that are not bridged", "unavailable", "[90s]", "[15s]"),
    Mutation("the worst replica decides", "silence", "max by (environment) (last", "min by (environment) (last"),
    Mutation("an upgrade that pages", "silence", "  environment:diego_planned_work:max\n", "  vector(0)\n"),
    Mutation("an upgrade that never pages", "unavailable", "[13m]", "[60m]"),
    Mutation("a restart that ends the alert", "unavailable", LATCH, ""),
    Mutation("any start is an excuse", "unavailable", '{diagnosis="rolling_out"}', '{diagnosis="starting"}'),
    Mutation("another text", "unavailable", "running apps keep serving", "all is lost"),
    Mutation("no Diego is blindness", "own", "not_applicable", "inapplicable"),
    Mutation("blindness that forgets", "own", "[1h]", "[1m]"),
    Mutation("two active labels are fine", "symptoms", "max > 1\n", "max > 2\n"),
    Mutation("an early warning", "symptoms", "max == 0\n    for: 5m", "max == 0\n    for: 4m"),
    Mutation("another severity", "symptoms", "severity: warning", "severity: critical"),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.effect)
def test_promtools_tests_notice(program: Program, tmp_path: Path, mutation: Mutation) -> None:
    usual = (ALERTS_FOLDER / "stagekeeper.rules.yaml").read_text()
    assert mutation.what_is in usual
    rules = tmp_path / "stagekeeper.rules.yaml"
    rules.write_text(usual.replace(mutation.what_is, mutation.what_it_becomes))
    copy = tmp_path / "tests" / f"{mutation.tests}.yaml"
    copy.parent.mkdir()
    shutil.copy(ALERTS_FOLDER / "tests" / copy.name, copy)
    assert promtool(program, "check", "rules", rules).returncode == 0
    assert promtool(program, "test", "rules", copy).returncode == 1
