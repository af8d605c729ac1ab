"""What Stagekeeper sees: its looks and its reads of Kubernetes."""

from alerts.thresholds import BOTH, Thresholds
from dashboards.face import BAD, GOOD, WARN, Face
from dashboards.panels import Query, Question, series_of
from dashboards.promql import CHOSEN, exporters, since, some
from dashboards.schema import Panel

LIMITS = Thresholds()
LONGEST_LOOK = 9.5
"""Seconds: what the exporter has for a look where Prometheus waits 10 s for a scrape."""


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _age(), _duration(), _rate(), _failures()


def _age() -> Panel:
    about = (
        "Age of each exporter's last look. The exporter looks when it is scraped, so its looks are as old as the "
        "scrape interval; the remediator looks only while an episode is open."
    )
    question = Question("How old is the last look?", about, ("StagekeeperBlind",), height=7)
    looked = exporters("stagekeeper_last_look_timestamp_seconds", CHOSEN)
    face = Face("s", ((None, GOOD), (LIMITS.look_back, WARN), (LIMITS.look_age, BAD)))
    query = Query(since(f"max by (environment, instance) ({looked})"), "{{environment}} by {{instance}}")
    return series_of(question, face, query)


def _duration() -> Panel:
    about = (
        "Time that the last look took: Kubernetes is read, every pod and the Service are probed. Timeouts dominate it."
    )
    question = Question("How long does a look take?", about, ("StagekeeperBlind",), height=7)
    expression = f"max by (environment, job) (stagekeeper_look_duration_seconds{{{BOTH}, {CHOSEN}}})"
    return series_of(
        question,
        Face("s", ((None, GOOD), (LONGEST_LOOK, BAD))),
        Query(expression, "{{environment}} by {{job}}"),
    )


def _rate() -> Panel:
    about = (
        "Looks per second. The exporter's follow the scrapes; the remediator's are many only while an episode is open."
    )
    question = Question("How often does it look?", about, ("StagekeeperBlind",), height=7)
    expression = f"sum by (environment, job) (rate(stagekeeper_looks_total{{{BOTH}, {CHOSEN}}}[$__rate_interval]))"
    return series_of(question, Face("cps"), Query(expression, "{{environment}} by {{job}}"))


def _failures() -> Panel:
    about = "Reads of Kubernetes that failed, per second, by reason. A program that can't read doesn't act."
    question = Question("Which reads of Kubernetes fail?", about, ("StagekeeperKubernetesUnreadable",), height=7)
    failures = f"stagekeeper_kubernetes_failures_total{{{BOTH}, {CHOSEN}}}"
    expression = some(f"sum by (reason) (rate({failures}[$__rate_interval]))", "reason")
    return series_of(question, Face("cps", ((None, GOOD), (0.01, BAD))), Query(expression, "{{reason}}"), stacked=True)
