"""What Stagekeeper does: gates, remediations, deletions."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import ALWAYS_IDLE, IDLE, INFO, LANES, WARN, Field, lanes
from dashboards.mappings import GATE_OUTCOMES, GATES, PHASE_COLORS
from dashboards.panels import Caption, Query, table_of, timeline_of
from dashboards.promql import CHOSEN, doing, newly, remediators

DONE = Field("short", ((None, IDLE), (1, INFO)), none="Nothing was done", decimals=0)


def panels() -> tuple[Panel, ...]:
    """Phases above gates, with the tables beside them."""
    return _phases(), _gates(), _transitions(), _durations(), _deletions()


def _phases() -> Panel:
    about = "The phase of each environment's open remediation, from its alert to its end."
    caption = Caption("Phases over time", about, ("StagekeeperRemediationOverdue",), 12, 7)
    coloured = lanes({f".*: {phase}": color for phase, color in PHASE_COLORS.items()})
    query = Query(doing(CHOSEN), "{{environment}}: {{phase}}")
    return timeline_of(caption, Field(texts=LANES), query, overrides=coloured)


def _gates() -> Panel:
    about = (
        "The answer of each gate while a remediation is open. not yet: asked again at the next check. "
        "never: a person is needed. not configured: passes, and nothing checks it."
    )
    caption = Caption("Gates over time", about, ("StagekeeperRemediationOverdue",), 12, 7)
    field = Field(steps=ALWAYS_IDLE, texts=GATES, none="No remediation is open")
    answers = [
        f"{number} * (max by (environment, gate) ({remediators('stagekeeper_gate', _answer(answer))}) == 1)"
        for answer, number in GATE_OUTCOMES.items()
    ]
    return timeline_of(caption, field, Query("\nor ".join(answers), "{{environment}}: {{gate}}"))


def _answer(answer: str) -> str:
    return f'{CHOSEN}, answer="{answer}"'


def _transitions() -> Panel:
    about = "Each transition of remediations in the time range, its reason, and how often it was made."
    caption = Caption("Transitions and their reasons", about, ("StagekeeperEscalated",), 12, 6)
    steps = newly(remediators("stagekeeper_remediations_total", CHOSEN), "environment, phase, reason")
    columns = (("environment", "Environment"), ("phase", "Phase"), ("reason", "Reason"), ("Value", "Times"))
    return table_of(caption, DONE, Query(f"{steps} > 0"), columns)


def _durations() -> Panel:
    about = (
        "From the alert's arrival to the plan, to the last deletion and to the proven recovery: the mean of all "
        "remediations since the remediator began."
    )
    caption = Caption("Mean durations", about, ("StagekeeperRemediationOverdue",), 6, 6)
    took = "stagekeeper_remediation_duration_seconds"
    total, count = (f"sum by (until) ({remediators(f'{took}_{part}', CHOSEN)})" for part in ("sum", "count"))
    field = Field("s", ((None, IDLE), (900, WARN)), none="No remediation yet", decimals=0)
    return table_of(caption, field, Query(f"{total} / ({count} > 0)"), (("until", "Until"), ("Value", "Mean")))


def _deletions() -> Panel:
    about = "DELETE requests in the time range, by result. A conflict means that the pod had changed since the check."
    caption = Caption("Deletions by result", about, ("StagekeeperEscalated",), 6, 6)
    deletions = newly(remediators("stagekeeper_deletions_total", CHOSEN), "result")
    return table_of(caption, DONE, Query(f"{deletions} > 0"), (("result", "Result"), ("Value", "Times")))
