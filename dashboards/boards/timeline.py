"""What was wrong over time, and with which pod."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import LANES, Field, lanes
from dashboards.mappings import DIAGNOSIS_COLORS, NOT_ASKED, POD_STATES
from dashboards.panels import Caption, Query, timeline_of
from dashboards.promql import DIAGNOSIS, ONE, exporters


def panels() -> tuple[Panel, ...]:
    """Two timelines, one below the other."""
    return _diagnoses(), _pods()


def _diagnoses() -> Panel:
    about = (
        "A lane for each diagnosis that was made in the time range. Green: serving. Red: a restart is the fix. "
        "Yellow: it may pass by itself. Orange: a person is needed. Grey: no Diego."
    )
    caption = Caption("Diagnoses over time", about, ("StagerUnavailable",), width=24, height=6)
    query = Query(f"max by (diagnosis) ({DIAGNOSIS}) == 1", "{{diagnosis}}")
    return timeline_of(caption, Field(texts=LANES), query, overrides=lanes(DIAGNOSIS_COLORS))


def _pods() -> Panel:
    about = (
        "Each pod by what its containers, its active label and the probe of its own port 8889 say. "
        "One pod serves and the others are passive: that is as it should be."
    )
    caption = Caption("Pods over time", about, ("StagerLabelContradictsProbe", "StagerReadinessShort"), 24, 5)
    ready, active, serving = (
        f"max by (pod) ({exporters(f'diego_api_pod_{what}', ONE)})" for what in ("ready", "active", "serving")
    )
    # An absent label counts as passive; whether a pod serves may be unknown, which has a text of its own.
    expression = f"{ready}\n  + 2 * ({active} or 0 * {ready})\n  + 4 * ({serving} or 2 + 0 * {ready})"
    return timeline_of(caption, Field(texts=POD_STATES, more=NOT_ASKED), Query(expression, "{{pod}}"))
