"""The timing budget of docs/alerting.md is the sum of its parts, and its parts are what is configured."""

import re

import yaml

from remediator.policy import Mode, Policy, Rhythm
from tests.alerts.catalogue import ALERTS_FOLDER, BY_NAME, RECORDS, ROOT, ranges

ROW = re.compile(r"^\| (.+?) \| \**(\d+)\** \| \**(\d+)\** \| (.*?) ?\|$", re.MULTILINE)
UNAVAILABLE = BY_NAME["StagerUnavailable"]
RANGES = {record.name: max(ranges(record), default=0) for record in RECORDS}


def rows() -> dict[str, tuple[int, int]]:
    """Best and worst seconds by what sets them; the sum is set by nothing."""
    table = ROW.findall((ROOT / "docs/alerting.md").read_text())
    return {set_by: (int(best), int(worst)) for _, best, worst, set_by in table}


def test_the_sum_is_the_sum() -> None:
    *parts, total = rows().values()
    assert total == (sum(best for best, _ in parts), sum(worst for _, worst in parts))


def test_the_parts_are_what_the_examples_and_the_defaults_say() -> None:
    prometheus = yaml.safe_load((ALERTS_FOLDER / "prometheus.example.yaml").read_text())["global"]
    route = yaml.safe_load((ALERTS_FOLDER / "alertmanager.example.yaml").read_text())["route"]["routes"][0]
    told = rows()
    for key in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
        assert f"{told[f'`{key}`'][1]}s" == prometheus[key]
    assert f"{told['`group_wait`'][1]}s" == route["group_wait"]
    assert told["`for` of `StagerUnavailable`"][0] == UNAVAILABLE.wait


def test_the_confirmation_is_complete_when_the_webhook_comes_or_soon_after() -> None:
    """It begins at the first check after the loss; the webhook comes after `for` and `group_wait` at the earliest."""
    told, rhythm = rows(), Rhythm()
    complete = (rhythm.observe + Policy(mode=Mode.ACT).confirm_for).total_seconds()
    called = told["`for` of `StagerUnavailable`"][0] + told["`group_wait`"][0]
    assert told["`rhythm.observe`, `confirm_for`, one check"] == (0, complete - called + rhythm.open.total_seconds())


def test_pods_are_restarted_within_the_three_minutes_that_operators_want() -> None:
    assert max(worst for _, worst in rows().values()) <= 180


def test_what_lingers_of_the_alert_opens_no_second_remediation() -> None:
    lingers = RANGES["environment:bbs_reachable:max"] + UNAVAILABLE.keep
    assert lingers < Policy(mode=Mode.ACT).hold_off.total_seconds()


def test_an_upgrade_excuses_an_outage_for_no_longer_than_15_minutes() -> None:
    assert RANGES["environment:diego_planned_work:max"] + UNAVAILABLE.wait == 15 * 60


def test_a_call_that_is_repeated_is_within_the_windows_that_ask_for_calls() -> None:
    route = yaml.safe_load((ALERTS_FOLDER / "alertmanager.example.yaml").read_text())["route"]["routes"][0]
    assert route["repeat_interval"] == "1h"
    for name in ("StagekeeperNotCalled", "StagekeeperUnknownEnvironment"):
        assert min(ranges(BY_NAME[name])) > 60 * 60 + BY_NAME[name].wait
