"""The top of "CF Stager": the state at this moment, in words."""

from alerts.stager import ACTIVE, DESIRED, DIAGNOSIS, REACHABLE, READY
from alerts.thresholds import Thresholds
from dashboards.face import BAD, GOOD, IDLE, WAIT, WARN, Face, Word, yes_no
from dashboards.panels import Query, Question, stat_of, table_of
from dashboards.promql import DOING, HERE, OF, exporters, of, since
from dashboards.schema import Panel
from dashboards.words import DIAGNOSES, PHASES

LIMITS = Thresholds()


def panels() -> tuple[Panel, ...]:
    """Two lines: the three numbers of the tutorial and the diagnosis; then time, alerts and the remediator."""
    return (_reachable(), _ready(), _active(), _diagnosis(), _answered(), _firing(), _doing(), _alerts())


def _reachable() -> Panel:
    about = (
        "The exporter's probe of the Service `diego-api`, port 8889, as the Cloud Controller reaches it. "
        "Without an answer apps can't be staged, started or scaled; apps that run keep serving."
    )
    question = Question("Does the BBS answer?", about, ("StagerUnavailable",), width=5)
    face = Face(steps=((None, BAD), (1, GOOD)), words=yes_no("Yes", "No"))
    return stat_of(question, face, Query(f"{REACHABLE}{{{HERE}}}"))


def _ready() -> Panel:
    about = "BBS pods of which all containers are ready (the 2/2 of kubectl), of those that the StatefulSet asks for."
    question = Question("How many pods are ready?", about, ("StagerReadinessShort",), width=5)
    face = Face(steps=((None, WARN), (0, GOOD)), lowest=None)
    return stat_of(question, face, Query(of(f"{READY}{{{HERE}}}", f"{DESIRED}{{{HERE}}}"), OF), names=True)


def _active() -> Panel:
    about = (
        "Pods labelled active, Ready and not terminating. One BBS holds the lock and listens; "
        "the others wait, and refusing connections is their normal state."
    )
    question = Question("Is exactly one pod active?", about, ("StagerNoActiveLabel", "StagerSplitBrain"), width=5)
    words = {"0": Word("None is", BAD), "1": Word("Yes", GOOD)}
    face = Face(steps=((None, BAD), (1, GOOD), (2, BAD)), words=words, more=(2, Word("More than one", BAD)))
    return stat_of(question, face, Query(f"{ACTIVE}{{{HERE}}}"))


def _diagnosis() -> Panel:
    about = (
        "The diagnosis of the newest look: the same judgement that the remediator acts on. Red: a restart is the cure. "
        "Yellow: it may pass by itself, and a restart now could do harm. Orange: no restart helps, a person is needed."
    )
    question = Question("What is wrong?", about, ("StagerUnavailable", "StagekeeperCannotJudge"), width=9)
    face = Face(steps=((None, WARN),), words=DIAGNOSES)
    return stat_of(question, face, Query(f"{DIAGNOSIS}{{{HERE}}} == 1"), label="diagnosis")


def _answered() -> Panel:
    about = (
        "Time since a probe last found a BBS that serves. A fail-over takes up to a minute; "
        f"an outage of {LIMITS.unavailable} s raises the alert, and 2 more minutes confirm that a restart is the cure."
    )
    question = Question("How long ago did it last answer?", about, ("StagerUnavailable",), width=5)
    steps = ((None, GOOD), (LIMITS.unavailable / 2, WARN), (LIMITS.unavailable, BAD))
    answered = exporters("bbs_last_success_timestamp_seconds", HERE)
    face = Face("s", steps, none="Not since the exporter began", decimals=0)
    return stat_of(question, face, Query(since(f"max({answered})")))


def _firing() -> Panel:
    question = Question("How many alerts fire?", "Alerts of this environment that fire now.", width=5)
    face = Face(steps=((None, GOOD), (1, BAD)), words={"0": Word("None", GOOD)})
    return stat_of(question, face, Query(f'count(ALERTS{{alertstate="firing", {HERE}}}) or vector(0)'))


def _doing() -> Panel:
    about = "The phase of the open episode. Its record says more: `kubectl -n cf get remediations`."
    question = Question("What is the remediator doing?", about, ("StagekeeperEscalated",), width=5)
    return stat_of(question, Face(steps=((None, WAIT),), words=PHASES), Query(DOING), label="phase")


def _alerts() -> Panel:
    about = "Alerts that fire now, with the time since their condition was first met. A runbook goes with each."
    question = Question("Which alerts fire, and for how long?", about, width=9)
    since = f"time() - max by (alertname, severity) (ALERTS_FOR_STATE{{{HERE}}})"
    firing = f'max by (alertname, severity) (ALERTS{{alertstate="firing", {HERE}}})'
    face = Face("s", ((None, IDLE), (0, BAD)), none="No alert fires", decimals=0)
    columns = (("alertname", "Alert"), ("severity", "Severity"), ("Value", "For"))
    return table_of(question, face, Query(f"({since})\nand on (alertname, severity) {firing}"), columns)
