"""Every metric and label that a rule uses is one that our programs, Prometheus or another rule make."""

import re

import pytest

from alerts.model import Alert, Record
from tests.alerts.catalogue import ALERTS, RECORDS, RULES, exposed
from tests.alerts.promql import Use, grouping, uses

MADE_BY_RULES = {record.name: frozenset(grouping(record.expression)) | {"environment"} for record in RECORDS}
TEMPLATE_QUERY = re.compile(r'printf "([^"]*)"')


def unknown(expression: str) -> set[Use]:
    """What an expression uses though nobody makes it."""
    known = exposed() | MADE_BY_RULES
    return {
        use
        for use in uses(expression)
        if not use.labels <= known.get(use.metric, frozenset()) or use.metric not in known
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_uses_only_what_somebody_exposes(rule: Alert | Record) -> None:
    assert unknown(rule.expression) == set()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_description_queries_only_what_somebody_exposes(alert: Alert) -> None:
    queries = TEMPLATE_QUERY.findall(alert.description)
    assert all(not unknown(query.replace("%q", '"prod"')) for query in queries)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_groups_by_labels_that_exist(rule: Alert | Record) -> None:
    known = exposed() | MADE_BY_RULES
    labels: frozenset[str] = frozenset().union(*(known[use.metric] for use in uses(rule.expression)))
    assert grouping(rule.expression) <= labels


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("bbs_reachible == 0", {Use("bbs_reachible", frozenset())}),
        ('bbs_reachable{env="prod"} == 0', {Use("bbs_reachable", frozenset({"env"}))}),
        ('max by (environment) (rate(bbs_probe_total{job="x"}[5m]))', {Use("bbs_probe_total", frozenset({"job"}))}),
        ('histogram_quantile(0.9, sum by (le) (bbs_probe_round_trip_seconds_bucket{job=~"a|b"})) > 1.5', set()),
        ("bbs_reachable offset 5m unless on (environment) (active_bbs_count > bool 0)", set()),
    ],
)
def test_a_metric_or_label_that_nobody_exposes_is_found(expression: str, found: set[Use]) -> None:
    assert unknown(expression) == found
