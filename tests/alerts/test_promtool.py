"""The rules run in promtool, and its tests notice when a rule is changed."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.catalogue import ALERTS, ALERTS_FOLDER
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.programs

Program = Callable[[str], Path]
RULE_FILES = sorted(ALERTS_FOLDER.glob("*.rules.yaml"))
TEST_FILES = sorted((ALERTS_FOLDER / "tests").glob("*.yaml"))


def promtool(program: Program, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, timeout=HANG_GUARD, check=False
    )


def test_promtool_accepts_every_rule_file(monitoring: Program) -> None:
    result = promtool(monitoring, "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_accepts_the_example_of_prometheus(monitoring: Program, tmp_path: Path) -> None:
    example: dict[str, Any] = yaml.safe_load((ALERTS_FOLDER / "prometheus.example.yaml").read_text())
    for job in example["scrape_configs"]:
        del job["kubernetes_sd_configs"]  # Debian builds Prometheus without it; tests/chart follows the guide
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(example))
    (tmp_path / "stagekeeper.rules.yaml").write_text((ALERTS_FOLDER / "stagekeeper.rules.yaml").read_text())
    result = promtool(monitoring, "check", "config", tmp_path / "prometheus.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


# Their figures are Prometheus 2's: from 3 on a range leaves out the sample at its left end, so some need others.
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
    """A change of the rules that one of promtool's tests has to notice: the one whose name begins with `noticed_by`."""

    effect: str
    tests: str
    noticed_by: str
    what_is: str
    what_it_becomes: str

    def rules(self, usual: str) -> str:
        """The rules after the change."""
        assert self.what_is in usual
        return usual.replace(self.what_is, self.what_it_becomes)

    def test(self) -> str:
        """A file with the one test that has to notice."""
        document: dict[str, Any] = yaml.safe_load((ALERTS_FOLDER / "tests" / f"{self.tests}.yaml").read_text())
        [test] = [each for each in document["tests"] if each["name"].startswith(self.noticed_by)]
        return yaml.safe_dump(document | {"tests": [test]})


OUTAGE = "A BBS that does not answer raises the alert after two minutes, not before"
UP = """
        and on (cluster, instance) (up{job="stagekeeper-exporter"} == 1)"""
BRIDGE = """
      or max by (cluster, environment) (last_over_time(bbs_reachable{job="stagekeeper-exporter"}[90s]))"""
LATCH = '        unless on (cluster, environment)\n        ALERTS{alertname="StagerUnavailable", alertstate="firing"}\n'
MUTATIONS = (
    Mutation(
        "an outage that pages at once",
        "silence",
        "A fail-over of 60 s",
        "for: 2m\n    keep_firing_for",
        "keep_firing_for",
    ),
    Mutation(
        "a page that comes late",
        "unavailable",
        OUTAGE,
        "for: 2m\n    keep_firing_for",
        "for: 150s\n    keep_firing_for",
    ),
    Mutation("a false end of the alert", "unavailable", OUTAGE, "keep_firing_for: 1m", "keep_firing_for: 15s"),
    Mutation("a metric that does not exist", "unavailable", OUTAGE, "bbs_reachable{", "bbs_reachible{"),
    Mutation(
        "missed scrapes that are not bridged",
        "unavailable",
        "The roll-out of the only exporter in an outage",
        "[90s]",
        "[15s]",
    ),
    Mutation(
        "the worst replica decides",
        "silence",
        "One of two exporter replicas",
        "max by (cluster, environment) (\n        last_over_time(bbs_reachable",
        "min by (cluster, environment) (\n        last_over_time(bbs_reachable",
    ),
    Mutation(
        "an upgrade that pages",
        "silence",
        "An upgrade of 10 minutes in which nothing serves",
        "  environment:diego_planned_work:max\n",
        "  vector(0)\n",
    ),
    Mutation(
        "an upgrade that never pages",
        "unavailable",
        "An upgrade in which nothing serves for longer than 15 minutes",
        "[13m]",
        "[60m]",
    ),
    Mutation("a restart that ends the alert", "unavailable", "The remediator's own restart", LATCH, ""),
    Mutation(
        "any start is an excuse",
        "unavailable",
        "The container that restarts when the lock is lost",
        '{diagnosis="rolling_out"}',
        '{diagnosis="starting"}',
    ),
    Mutation(
        "an exporter that is gone counts",
        "unavailable",
        "The last word of an exporter that is gone",
        UP,
        "",
    ),
    Mutation(
        "missed scrapes of the only exporter end the alert",
        "unavailable",
        "In an outage the missed scrapes",
        BRIDGE,
        "",
    ),
    Mutation(
        "clusters that are mixed up",
        "unavailable",
        "Of two clusters with an environment of one name",
        "(cluster, environment",
        "(environment",
    ),
    Mutation(
        "a cluster without an exporter that nobody misses",
        "own",
        "Of two clusters the one without a program",
        "by (cluster) (last_over_time(up",
        "by () (last_over_time(up",
    ),
    Mutation(
        "a lost race is a refusal",
        "remediator",
        "A delete that Kubernetes refuses",
        "forbidden|",
        "forbidden|conflict|",
    ),
    Mutation("a restart is told for ever", "remediator", "A restart that ended well", "[15m]", "[60m]"),
    Mutation(
        "a restart without a deleted pod", "remediator", "A stager that recovered", 'result="accepted"', 'result!=""'
    ),
    Mutation("an hour is too short", "remediator", "A remediator that is called once", "[75m]", "[10m]"),
    Mutation(
        "any call is for an unknown environment",
        "remediator",
        "A call for an environment",
        '="unknown_environment"',
        '!=""',
    ),
    Mutation("another text", "unavailable", OUTAGE, "running apps keep serving", "all is lost"),
    Mutation(
        "no Diego is blindness",
        "own",
        "An environment without Diego whose exporter is gone",
        "not_applicable",
        "inapplicable",
    ),
    Mutation("blindness that forgets", "own", "An environment that vanishes altogether", "[1h]", "[1m]"),
    Mutation(
        "one exporter in a bad spot",
        "own",
        "One of two exporters that cannot judge",
        '{diagnosis!="observer_fault"} == 1',
        '{diagnosis!="observer_fault"} == 2',
    ),
    Mutation(
        "a call for one environment is one for all",
        "remediator",
        "An outage of which no Alertmanager tells the remediator",
        "and on (cluster, environment)\n      sum by (cluster, environment) (increase(stagekeeper_webhook_alerts_total",
        "and on (cluster)\n      sum by (cluster) (increase(stagekeeper_webhook_alerts_total",
    ),
    Mutation(
        "a program that vanished is forgotten in an hour",
        "own",
        "Of two clusters",
        'up{job="stagekeeper-remediator"}[1d]',
        'up{job="stagekeeper-remediator"}[1h]',
    ),
    Mutation("two active labels are fine", "symptoms", "Two active labels for two minutes", "max > 1\n", "max > 2\n"),
    Mutation(
        "an early warning",
        "symptoms",
        "A known count of no active pod",
        "max == 0\n    for: 5m",
        "max == 0\n    for: 4m",
    ),
    Mutation(
        "another severity",
        "symptoms",
        "A known count of no active pod",
        "severity: warning",
        "severity: critical",
    ),
)


@pytest.fixture(scope="module")
def mutants(program: Program, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each mutation, with the changed rules (which promtool accepts) and the test that has to notice."""
    usual = (ALERTS_FOLDER / "stagekeeper.rules.yaml").read_text()
    folders = {}
    for mutation in MUTATIONS:
        folders[mutation.effect] = folder = tmp_path_factory.mktemp("mutant")
        (folder / "stagekeeper.rules.yaml").write_text(mutation.rules(usual))
        (folder / "tests").mkdir()
        (folder / "tests" / "one.yaml").write_text(mutation.test())
    result = promtool(program, "check", "rules", *(each / "stagekeeper.rules.yaml" for each in folders.values()))
    assert result.returncode == 0, result.stdout + result.stderr
    return folders


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.effect)
def test_promtools_tests_notice(program: Program, mutants: dict[str, Path], mutation: Mutation) -> None:
    result = promtool(program, "test", "rules", mutants[mutation.effect] / "tests" / "one.yaml")
    assert result.returncode == 1
    assert "FAILED" in result.stdout + result.stderr
