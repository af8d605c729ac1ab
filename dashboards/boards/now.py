"""The top of "CF Stager": the state at this moment, in words."""

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType, Panel

from dashboards.field_config import BAD, GOOD, IDLE, WAIT, WARN, Field, Text, named, yes_no
from dashboards.mappings import DIAGNOSES, PHASES
from dashboards.panels import RUNBOOKS, Caption, Query, stat_of, table_of
from dashboards.promql import (
    ACTIVE,
    DESIRED,
    DIAGNOSIS,
    HERE,
    OF,
    ONE,
    REACHABLE,
    READY,
    UNAVAILABLE,
    doing,
    exporters,
    of,
    since,
    worst,
)


def panels() -> tuple[Panel, ...]:
    """Two lines: the three numbers of the tutorial and the diagnosis; then time, alerts and the remediator."""
    return (_reachable(), _ready(), _active(), _diagnosis(), _answered(), _firing(), _doing(), _alerts())


def _reachable() -> Panel:
    about = (
        "The exporter's probe of the BBS's Service, port 8889, as the Cloud Controller reaches it. "
        "Without an answer apps cannot be staged, started or scaled; apps that run keep serving."
    )
    caption = Caption("BBS reachable", about, ("StagerUnavailable",), width=5)
    field = Field(steps=((None, BAD), (1, GOOD)), texts=yes_no("Yes", "No"))
    return stat_of(caption, field, Query(f"min({REACHABLE})"))


def _ready() -> Panel:
    about = "BBS pods of which all containers are ready (the 2/2 of kubectl), of those that the StatefulSet asks for."
    caption = Caption("Ready pods", about, ("StagerReadinessShort",), width=5)
    field = Field(steps=((None, WARN), (0, GOOD)), lowest=None)
    return stat_of(caption, field, Query(of(f"sum({READY})", f"sum({DESIRED})"), OF), names=True)


def _active() -> Panel:
    about = (
        "Pods labelled active, Ready and not terminating. One BBS holds the lock and listens; "
        "the others wait, and refusing connections is their normal state."
    )
    caption = Caption("Active pods", about, ("StagerNoActiveLabel", "StagerSplitBrain"), width=5)
    texts = {"0": Text("None", BAD), "1": Text("Exactly one", GOOD)}
    field = Field(steps=((None, BAD), (1, GOOD), (2, BAD)), texts=texts, more=(2, Text("More than one", BAD)))
    return stat_of(caption, field, Query(f"max({ACTIVE}) > 1 or min({ACTIVE})"))


def _diagnosis() -> Panel:
    about = (
        "The newest diagnosis: the same judgement that the remediator acts on. Red: a restart is the fix. "
        "Yellow: it may pass by itself, and a restart now could do harm. Orange: no restart helps, a person is needed."
    )
    caption = Caption("Diagnosis", about, ("StagerUnavailable", "StagekeeperCannotJudge"), width=9)
    field = Field(steps=((None, WARN),), texts=DIAGNOSES)
    return stat_of(caption, field, Query(f"{DIAGNOSIS} == 1"), label="diagnosis")


def _answered() -> Panel:
    about = (
        "Time since a probe last found a BBS that serves. A fail-over takes up to a minute; "
        f"an outage of {UNAVAILABLE} s raises the alert."
    )
    caption = Caption("Time since the last answer", about, ("StagerUnavailable",), width=5)
    steps = ((None, GOOD), (UNAVAILABLE / 2, WARN), (UNAVAILABLE, BAD))
    field = Field("s", steps, none="Not since the exporter began", decimals=0)
    answered = exporters("bbs_last_success_timestamp_seconds", ONE)
    return stat_of(caption, field, Query(since(worst(answered))))


def _firing() -> Panel:
    caption = Caption("Firing alerts", "Alerts of this environment that fire now.", width=5)
    field = Field(steps=((None, GOOD), (1, BAD)), texts={"0": Text("None", GOOD)})
    return stat_of(caption, field, Query(f'count(ALERTS{{alertstate="firing", {HERE}}}) or vector(0)'))


def _doing() -> Panel:
    about = "The phase of the open remediation. Its object says more: `kubectl get remediations`."
    caption = Caption("Remediator", about, ("StagekeeperEscalated",), width=5)
    return stat_of(caption, Field(steps=((None, WAIT),), texts=PHASES), Query(doing(ONE)), label="phase")


def _alerts() -> Panel:
    about = "Alerts that fire now, with the time since their condition was first met. Each name leads to its runbook."
    caption = Caption("Alerts and their runbooks", about, width=9)
    pending = f"time() - max by (alertname, severity) (ALERTS_FOR_STATE{{{HERE}}})"
    firing = f'max by (alertname, severity) (ALERTS{{alertstate="firing", {HERE}}})'
    field = Field("s", ((None, IDLE), (0, BAD)), none="No alert fires", decimals=0)
    columns = (("alertname", "Alert"), ("severity", "Severity"), ("Value", "For"))
    runbook = DashboardLink("Runbook", DashboardLinkType.LINK, url=f"{RUNBOOKS}${{__value.raw}}.md", target_blank=True)
    query = Query(f"({pending})\nand on (alertname, severity) {firing}")
    return table_of(caption, field, query, columns, overrides=(named("Alert", links=[runbook]),))
