"""Every metric and label that a rule uses is one that our programs, Prometheus or another rule make."""

import re
from collections.abc import Iterable
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from exporter.metrics import SERIES, Scrape
from exporter.settings import Reloads
from remediator.alertmanager import Receivers
from remediator.metrics import ReconcilerCollector, WebMetrics
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.webhook import Webhook
from stagekeeper.service.metrics import process_registry
from tests.alerts.catalogue import ALERTS, HISTOGRAMS, RECORDS, RULES, Alert, Labels, Record, exposed, listed
from tests.alerts.promql import Use, grouping, uses
from tests.remediator.builders import ACT
from tests.remediator.receiving import MemoryCluster

MADE_BY_RULES = {record.name: frozenset(grouping(record.expression)) | {"cluster", "environment"} for record in RECORDS}
TEMPLATE_QUERY = re.compile(r'printf "((?:[^"\\]|\\.)*)" \$labels')


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
    queries = [query.replace("\\", "").replace("%q", '"prod"') for query in TEMPLATE_QUERY.findall(alert.description)]
    assert len(queries) == alert.description.count("| query")
    assert all(not unknown(query) for query in queries)


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


def families(found: Iterable[Metric]) -> dict[str, Labels]:
    """Each family that has samples, as users type it, with its labels; those of the platform's process are left out."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): labels - {"le"}
        for family in found
        for labels in [frozenset[str]().union(*(sample.labels for sample in family.samples))]
        if family.samples and not family.name.startswith("process_")
    }


def test_what_the_exporter_exposes_is_listed_with_its_labels() -> None:
    of_process = Scrape((), Reloads(successful=True, succeeded_at=0), process_registry("exporter"))
    of_environments = {each.name: frozenset({"environment", *each.labels}) for each in SERIES}
    round_trips = {"bbs_probe_round_trip_seconds": frozenset({"environment"})}
    assert families(of_process.collect()) | of_environments | round_trips == listed("exporter", "both")


def remediator(registry: CollectorRegistry) -> tuple[ReconcilerCollector, tuple[Any, ...]]:
    """Everything that the remediator registers: the collector, and what is counted by itself."""
    reconcilers = {"prod": Reconciler(MemoryCluster(), ACT)}
    collector = ReconcilerCollector(
        registry,
        Mode.ACT,
        reconcilers,
        Webhook("StagerUnavailable", reconcilers, lambda: False, Receivers("stagekeeper")),
    )
    web = WebMetrics(registry)
    return collector, (web.requests, web.duration, collector._took)


def test_what_the_remediator_exposes_is_listed_with_its_labels() -> None:
    registry = process_registry("remediator")
    collector, instruments = remediator(registry)
    declared = {
        each.name + ("_total" if each.type == "counter" else ""): frozenset(cast("Any", each)._labelnames)
        for each in collector.collect()
    }
    counted = {
        each._name + ("_total" if each._type == "counter" else ""): frozenset(each._labelnames) for each in instruments
    }
    assert families(registry.collect()) | declared | counted == listed("remediator", "both")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("stagekeeper_remediations_total", {"environment": "prod", "phase": "Recovered", "reason": "Serving"}),
        ("stagekeeper_remediation_duration_seconds_sum", {"environment": "prod", "until": "recovered"}),
        ("stagekeeper_remediation_duration_seconds_count", {"environment": "prod", "until": "recovered"}),
        *(
            ("stagekeeper_deletions_total", {"environment": "prod", "result": result})
            for result in ("accepted", "unauthorized", "forbidden", "invalid")
        ),
        ("stagekeeper_webhook_alerts_total", {"environment": "", "judgement": "unknown_environment"}),
        ("stagekeeper_webhook_alerts_total", {"environment": "prod", "judgement": "opened"}),
        *(("stagekeeper_webhook_requests_total", {"code": code}) for code in ("200", "400", "401", "413", "503")),
    ],
)
def test_what_alerts_count_begins_at_0_since_a_series_that_begins_with_1_shows_no_increase(
    name: str, labels: dict[str, str]
) -> None:
    registry = process_registry("remediator")
    remediator(registry)
    assert registry.get_sample_value(name, labels) == 0


def test_the_histograms_are_listed_as_such() -> None:
    registry = CollectorRegistry()
    of_remediator = {each._name for each in remediator(registry)[1] if each._type == "histogram"}
    assert of_remediator | {"bbs_probe_round_trip_seconds"} == HISTOGRAMS
