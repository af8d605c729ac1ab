import re

import pytest
import yaml
from click.testing import CliRunner

from alerts.__main__ import main
from alerts.diagnoses import CONSEQUENCES, CURES, FOUND, LIKELY_CURE, NOT_YET, NOTHING_WRONG
from alerts.model import Alert, latest
from alerts.render import files, groups
from alerts.thresholds import Thresholds, duration
from stagekeeper.diego.diagnosis import RESTART, Name, Restart
from tests.alerts.catalogue import ALERTS, ROOT

RANGE = re.compile(r"\[(\d+[smhd])\]")


@pytest.mark.parametrize("path", sorted(files(Thresholds())))
def test_a_committed_file_equals_the_generated_one(path: str) -> None:
    assert (ROOT / path).read_text() == files(Thresholds())[path], f"{path} is stale: run `python -m alerts`"


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_summary_is_static_and_a_description_is_not_empty(alert: Alert) -> None:
    assert "{{" not in alert.summary
    assert alert.summary.endswith(".")
    assert alert.description.rstrip().endswith((".", "{{- end }}", "{{ end }}"))


def test_every_diagnosis_has_its_words() -> None:
    assert set(FOUND) == {str(name) for name in Name}


def test_the_words_about_a_restart_say_what_the_remediators_gate_says() -> None:
    assert set(CURES) == {str(name) for name, answer in RESTART.items() if answer is Restart.CURES}
    assert set(NOT_YET) == {str(name) for name, answer in RESTART.items() if answer is Restart.NOT_YET}
    for name in (*LIKELY_CURE, *NOTHING_WRONG):
        assert RESTART[Name(name)] is Restart.NEVER
    assert len({name for names, _ in CONSEQUENCES for name in names}) == sum(len(names) for names, _ in CONSEQUENCES)


def test_durations_are_written_the_way_prometheus_writes_them() -> None:
    assert [duration(seconds) for seconds in (90, 120, 7200, 86400, 0)] == ["90s", "2m", "2h", "1d", "0s"]


def test_the_newest_value_is_the_largest_of_all_replicas() -> None:
    assert latest("up", 90) == "max by (environment) (last_over_time(up[90s]))"


def test_rules_for_a_demonstration_wait_less_and_judge_the_same() -> None:
    usual, faster = Thresholds(), Thresholds().faster(12)
    assert faster.unavailable == usual.unavailable / 12
    assert faster.certificate_soon == usual.certificate_soon
    assert faster.flapping_changes == usual.flapping_changes
    assert faster.slow_seconds == usual.slow_seconds


def test_the_command_prints_rules_for_a_demonstration() -> None:
    result = CliRunner().invoke(main, ["--faster", "12"])
    rules = [rule for group in yaml.safe_load(result.stdout)["groups"] for rule in group["rules"]]
    assert {rule.get("alert"): rule.get("for") for rule in rules}["StagerUnavailable"] == "10s"


def test_every_range_of_a_demonstration_is_shorter() -> None:
    usual, faster = (_ranges(thresholds) for thresholds in (Thresholds(), Thresholds().faster(7)))
    assert [name for name in usual if set(usual[name]) & set(faster[name])] == []


def _ranges(thresholds: Thresholds) -> dict[str, list[str]]:
    rules = (rule for group in groups(thresholds) for rule in group.rules)
    return {rule.name: RANGE.findall(rule.expression) for rule in rules}
