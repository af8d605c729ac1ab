"""What was wrong over time, and with which pod."""

from alerts.stager import DIAGNOSIS
from dashboards.face import LANES, Face, lanes
from dashboards.panels import Query, Question, timeline_of
from dashboards.promql import HERE, exporters
from dashboards.schema import Panel
from dashboards.words import COLORS, NOT_ASKED, POD_STATES


def panels() -> tuple[Panel, ...]:
    """Two timelines, one below the other."""
    return _diagnoses(), _pods()


def _diagnoses() -> Panel:
    about = (
        "A lane for each diagnosis that was made in the time range. Green: serving. Red: a restart is the cure. "
        "Yellow: it may pass by itself. Orange: a person is needed. Grey: no Diego."
    )
    question = Question("What was wrong, and since when?", about, ("StagerUnavailable",), width=24, height=6)
    query = Query(f"{DIAGNOSIS}{{{HERE}}} == 1", "{{diagnosis}}")
    return timeline_of(question, Face(words=LANES), query, overrides=lanes(COLORS))


def _pods() -> Panel:
    about = (
        "Each pod by what its containers, its active label and the probe of its own port 8889 say. "
        "One pod serves and the others are passive: that is as it should be."
    )
    runbooks = ("StagerLabelContradictsProbe", "StagerReadinessShort")
    question = Question("Which pod was what?", about, runbooks, width=24, height=5)
    ready, active, serving = (
        f"max by (pod) ({exporters(f'diego_api_pod_{what}', HERE)})" for what in ("ready", "active", "serving")
    )
    # An absent label counts as passive; whether a pod serves may be unknown, which has words of its own.
    expression = f"{ready}\n  + 2 * ({active} or 0 * {ready})\n  + 4 * ({serving} or 2 + 0 * {ready})"
    return timeline_of(question, Face(words=POD_STATES, more=NOT_ASKED), Query(expression, "{{pod}}"))
