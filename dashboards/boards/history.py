"""What the remediator did, why, and what holds it back."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import BAD, GOOD, IDLE, INFO, LANES, WAIT, Field, Text, lanes
from dashboards.mappings import PHASE_COLORS
from dashboards.panels import Caption, Query, stat_of, table_of, timeline_of
from dashboards.promql import ONE, doing, newly, remediators

OPEN_GATES = "pass|not_configured"


def panels() -> tuple[Panel, ...]:
    """A timeline, then what it did and what holds it back."""
    return _phases(), _transitions(), _closed(), _deleted()


def _phases() -> Panel:
    about = "The phase of the open remediation, from its alert to its end; without an outage there is none."
    caption = Caption("Phases over time", about, ("StagekeeperEscalated",), width=24, height=4)
    return timeline_of(caption, Field(texts=LANES), Query(doing(ONE), "{{phase}}"), overrides=lanes(PHASE_COLORS))


def _transitions() -> Panel:
    about = "Each transition of a remediation in the time range, its reason, and how often it was made."
    caption = Caption("Transitions and their reasons", about, ("StagekeeperEscalated",), width=10, height=6)
    steps = newly(remediators("stagekeeper_remediations_total", ONE), "phase, reason")
    columns = (("phase", "Phase"), ("reason", "Reason"), ("Value", "Times"))
    field = Field("short", ((None, IDLE), (1, INFO)), none="Nothing was done", decimals=0)
    return table_of(caption, field, Query(f"{steps} > 0"), columns)


def _closed() -> Panel:
    about = (
        "Gates that keep the remediator from restarting pods now. not_yet is asked again at the next check; "
        "never means that a person is needed. The Remediation object has each reason as a sentence."
    )
    caption = Caption("Closed gates", about, ("StagekeeperRemediationOverdue",), width=9, height=6)
    closed = remediators("stagekeeper_gate", f'{ONE}, answer!~"{OPEN_GATES}"')
    columns = (("gate", "Gate"), ("answer", "Answer"))
    texts = {"not_yet": Text("not yet", WAIT), "never": Text("never", BAD)}
    field = Field(steps=((None, IDLE), (1, WAIT)), texts=texts, none="No gate is closed")
    return table_of(caption, field, Query(f"max by (gate, answer) ({closed}) == 1"), columns)


def _deleted() -> Panel:
    about = "Pods that were deleted in the time range: each one that a plan names, once."
    caption = Caption("Deleted pods", about, ("StagerUnavailable",), width=5, height=6)
    accepted = remediators("stagekeeper_deletions_total", f'{ONE}, result="accepted"')
    steps = ((None, GOOD), (1, INFO))
    return stat_of(caption, Field("short", steps, decimals=0), Query(newly(accepted, "environment")))
