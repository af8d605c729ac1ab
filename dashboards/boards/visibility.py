"""What Stagekeeper sees: its checks and its reads of Kubernetes."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import BAD, GOOD, WARN, Field
from dashboards.panels import Caption, Query, series_of
from dashboards.promql import BOTH, CHECK_AGE, CHOSEN, LOOK_BACK, exporters, since, some

LONGEST_CHECK = 9.5
"""Seconds: what the exporter has for a check where Prometheus waits 10 s for a scrape."""


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _age(), _duration(), _rate(), _failures()


def _age() -> Panel:
    about = (
        "Age of each exporter's last check. The exporter checks when it is scraped, so its checks are as old as the "
        "scrape interval."
    )
    caption = Caption("Age of the last check by exporter", about, ("StagekeeperBlind",), height=7)
    checked = exporters("stagekeeper_last_observation_timestamp_seconds", CHOSEN)
    field = Field("s", ((None, GOOD), (LOOK_BACK, WARN), (CHECK_AGE, BAD)))
    query = Query(since(f"max by (environment, instance) ({checked})"), "{{environment}} by {{instance}}")
    return series_of(caption, field, query)


def _duration() -> Panel:
    about = (
        "Time that the last check took: Kubernetes is read, every pod and the Service are probed. Timeouts dominate it."
    )
    caption = Caption("Check duration", about, ("StagekeeperBlind",), height=7)
    expression = f"max by (environment, job) (stagekeeper_observation_duration_seconds{{{BOTH}, {CHOSEN}}})"
    field = Field("s", ((None, GOOD), (LONGEST_CHECK, BAD)))
    return series_of(caption, field, Query(expression, "{{environment}} by {{job}}"))


def _rate() -> Panel:
    about = "Checks per second. The exporter's follow the scrapes; the remediator's are more while one is open."
    caption = Caption("Checks per second", about, ("StagekeeperBlind",), height=7)
    expression = (
        f"sum by (environment, job) (rate(stagekeeper_observations_total{{{BOTH}, {CHOSEN}}}[$__rate_interval]))"
    )
    return series_of(caption, Field("cps"), Query(expression, "{{environment}} by {{job}}"))


def _failures() -> Panel:
    about = "Reads of Kubernetes that failed, per second, by reason. A program that cannot read does not act."
    caption = Caption("Failed reads of Kubernetes", about, ("StagekeeperKubernetesUnreadable",), height=7)
    failures = f"stagekeeper_kubernetes_failures_total{{{BOTH}, {CHOSEN}}}"
    expression = some(f"sum by (reason) (rate({failures}[$__rate_interval]))", "reason")
    return series_of(caption, Field("cps", ((None, GOOD), (0.01, BAD))), Query(expression, "{{reason}}"), stacked=True)
