"""What is true of every rule, whatever it says: names, texts, links, and one copy of the file."""

import re

import pytest
import yaml

from alerts.runbooks.pages import FOLDER, RULE_FILES, pages
from stagekeeper.diego.diagnosis import RESTART, Condition, Restart
from tests.alerts.catalogue import ALERTS, BY_NAME, ROOT, RULES, Alert, Record
from tests.alerts.promql import grouping

CHART = ROOT / "charts/stagekeeper/files"
WORDS = re.compile(r'eq \.Labels\.diagnosis "(\w+)"')
CONSEQUENCES = re.compile(r'match "\^\(([\w|]+)\)\$" \.Labels\.diagnosis')
SERIES_OF_A_TEMPLATE = re.compile(r'printf "((?:[^"\\]|\\.)*)"')
NEXT = "-- stagekeeper diagnose --environment {{ $labels.environment }}"
"""With which the descriptions of alerts end that wake a person for an outage: a line to be pasted."""


@pytest.mark.parametrize("path", sorted(pages()))
def test_a_committed_runbook_equals_the_generated_one(path: str) -> None:
    assert (ROOT / path).read_text() == pages()[path], f"{path} is stale: run `python -m alerts`"


@pytest.mark.parametrize("path", RULE_FILES)
def test_the_rule_files_are_those_of_the_chart_where_they_are_no_links(path: str) -> None:
    real = CHART / (ROOT / path).name
    assert (ROOT / path).resolve() == real
    assert not real.is_symlink(), "GitOps tools drop links from charts"


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_summary_is_static_and_a_description_is_not_empty(alert: Alert) -> None:
    assert set(alert.annotations) == {"summary", "description", "runbook_url", "dashboard"}
    assert "{{" not in alert.annotations["summary"]
    assert alert.annotations["summary"].endswith(".")
    assert alert.description.rstrip().endswith((".", "{{- end }}", "{{ end }}", NEXT))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_runbook_of_an_alert_is_the_page_of_its_name(alert: Alert) -> None:
    url = alert.annotations["runbook_url"]
    project = "https://github.com/stagekeeper/stagekeeper/blob/main/"
    assert url == f"{project}{FOLDER}/en/{alert.name}.md"
    assert (ROOT / url.removeprefix(project)).is_file()


@pytest.mark.parametrize("path", RULE_FILES)
def test_the_documented_way_to_korean_runbooks_leads_to_pages_that_exist(path: str) -> None:
    korean = (ROOT / path).read_text().replace("/runbooks/en/", "/runbooks/ko/")
    rules = [rule for group in yaml.safe_load(korean)["groups"] for rule in group["rules"] if "alert" in rule]
    links = [rule["annotations"]["runbook_url"].partition("/blob/main/")[2] for rule in rules]
    assert [link for link in links if not (ROOT / link).is_file() or "/ko/" not in link] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_grouped_keeps_its_cluster(rule: Alert | Record) -> None:
    lists = re.findall(r"\b(?:by|on) \(([^)]*)\)", rule.expression)
    assert [each for each in lists if each and "cluster" not in each] == []
    assert not re.search(r"\b(?:without|ignoring|group_left|group_right)\b", rule.expression)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_what_a_description_queries_is_of_the_alerts_own_cluster(alert: Alert) -> None:
    for query in SERIES_OF_A_TEMPLATE.findall(alert.description):
        if "{" in query:
            assert query.count("cluster=%q") == query.count("environment=%q") == query.count("{")


def test_every_diagnosis_has_its_words() -> None:
    assert set(WORDS.findall(BY_NAME["StagerUnavailable"].description)) == {str(name) for name in Condition}


def test_the_words_about_a_restart_say_what_the_remediators_gate_says() -> None:
    said = CONSEQUENCES.findall(BY_NAME["StagerUnavailable"].description)
    fixes, likely, unknown, no_view, not_yet, locket, nothing_wrong = (set(names.split("|")) for names in said)
    assert fixes == {str(name) for name, outcome in RESTART.items() if outcome is Restart.CURES}
    assert not_yet | no_view == {str(name) for name, outcome in RESTART.items() if outcome is Restart.NOT_YET}
    assert {RESTART[Condition(name)] for name in likely | unknown | locket | nothing_wrong} == {Restart.NEVER}
    assert (no_view, locket) == ({"observer_fault"}, {"locket_down"}), "whose rows answer with never or not yet"
    listed = [name for names in said for name in names.split("|")]
    assert len(listed) == len(set(listed))


def test_a_rule_that_loses_its_cluster_is_found() -> None:
    rule = Record("lost", "max by (environment) (bbs_reachable)")
    with pytest.raises(AssertionError):
        test_what_is_grouped_keeps_its_cluster(rule)
    assert grouping(rule.expression) == {"environment"}


def test_who_is_woken_for_an_outage_is_told_what_to_type() -> None:
    told = {alert.name for alert in ALERTS if alert.description.rstrip().endswith(NEXT)}
    outages = {"StagerUnavailable", "StagerMostlyUnavailable", "StagekeeperEscalated", "StagekeeperRemediationOverdue"}
    assert told == outages
