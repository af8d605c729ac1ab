"""What passes between Alertmanager and the remediator."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import ALWAYS_IDLE, BAD, GOOD, Field, yes_no
from dashboards.panels import Caption, Query, series_of, timeline_of
from dashboards.promql import REMEDIATOR, worst


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _responses(), _speed(), _alerts(), _reachable()


def _responses() -> Panel:
    about = "Responses to webhook calls, by status, within a step of the graph. 401: wrong token. 503: not stored."
    caption = Caption("Webhook responses", about, ("StagekeeperWebhookRefused",), height=7)
    return series_of(caption, Field("short"), Query(_grown("stagekeeper_webhook_requests_total", "code"), "{{code}}"))


def _speed() -> Panel:
    about = (
        "99 of 100 webhook calls are answered within this time. Alertmanager waits for its `group_interval` (1 minute "
        "in the example), and then calls again."
    )
    caption = Caption("Webhook response time, p99", about, ("StagekeeperWebhookRefused",), height=7)
    buckets = f"stagekeeper_webhook_request_duration_seconds_bucket{{{REMEDIATOR}}}"
    expression = f"histogram_quantile(0.99, sum by (le) (rate({buckets}[$__rate_interval])))"
    field = Field("s", ((None, GOOD), (15, BAD)), none="No call")
    return series_of(caption, field, Query(expression, "99 of 100"))


def _alerts() -> Panel:
    about = "What was made of the alerts received, within a step of the graph. A resolved one only triggers a check."
    caption = Caption("Received alerts", about, ("StagerUnavailable",), height=7)
    query = Query(_grown("stagekeeper_webhook_alerts_total", "judgement"), "{{judgement}}")
    return series_of(caption, Field("short", ALWAYS_IDLE), query)


def _reachable() -> Panel:
    about = (
        "Whether each Alertmanager can be asked whether the alert is still active. Without any nothing is restarted."
    )
    caption = Caption("Alertmanagers over time", about, ("StagekeeperAlertmanagerUnreachable",), height=7)
    field = Field(steps=((None, BAD), (1, GOOD)), texts=yes_no("yes", "no"))
    expression = worst(f"stagekeeper_alertmanager_up{{{REMEDIATOR}}}", "alertmanager")
    return timeline_of(caption, field, Query(expression, "{{alertmanager}}"))


def _grown(counter: str, label: str) -> str:
    """By how much a counter grew, by one label."""
    return f"sum by ({label}) (increase({counter}{{{REMEDIATOR}}}[$__rate_interval]))"
