"""What passes between Alertmanager and the remediator."""

from alerts.thresholds import REMEDIATOR
from dashboards.face import ALWAYS_IDLE, BAD, GOOD, Face, yes_no
from dashboards.panels import Query, Question, series_of, timeline_of
from dashboards.schema import Panel


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _answers(), _speed(), _judgements(), _reachable()


def _answers() -> Panel:
    about = "Answers to webhook calls, by status, within a step of the graph. 401: wrong token. 503: unwritable record."
    question = Question("How are calls answered?", about, ("StagekeeperWebhookRefused",), height=7)
    return series_of(question, Face("short"), Query(_grown("stagekeeper_webhook_requests_total", "code"), "{{code}}"))


def _speed() -> Panel:
    about = "99 of 100 webhook calls are answered within this time. Alertmanager waits 15 s, and then calls again."
    question = Question("How fast are calls answered?", about, ("StagekeeperWebhookRefused",), height=7)
    buckets = f"stagekeeper_webhook_request_duration_seconds_bucket{{{REMEDIATOR}}}"
    expression = f"histogram_quantile(0.99, sum by (le) (rate({buckets}[$__rate_interval])))"
    face = Face("s", ((None, GOOD), (15, BAD)), none="No call")
    return series_of(question, face, Query(expression, "99 of 100"))


def _judgements() -> Panel:
    about = "What was made of the alerts received, within a step of the graph. A resolved one only triggers a look."
    question = Question("What becomes of alerts?", about, ("StagerUnavailable",), height=7)
    query = Query(_grown("stagekeeper_webhook_alerts_total", "judgement"), "{{judgement}}")
    return series_of(question, Face("short", ALWAYS_IDLE), query)


def _reachable() -> Panel:
    about = (
        "Whether each Alertmanager can be asked whether the alert is still active. Without any nothing is restarted."
    )
    question = Question("Could each Alertmanager be asked?", about, ("StagekeeperAlertmanagerUnreachable",), height=7)
    face = Face(steps=((None, BAD), (1, GOOD)), words=yes_no("yes", "no"))
    expression = f"max by (alertmanager) (stagekeeper_alertmanager_up{{{REMEDIATOR}}})"
    return timeline_of(question, face, Query(expression, "{{alertmanager}}"))


def _grown(counter: str, label: str) -> str:
    """By how much a counter grew, by one label."""
    return f"sum by ({label}) (increase({counter}{{{REMEDIATOR}}}[$__rate_interval]))"
