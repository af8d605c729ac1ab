"""A whole dashboard: variables, annotations, links, and its panels placed on Grafana's grid of 24 columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as sdk
from grafana_foundation_sdk.models import prometheus

from dashboards.field_config import INFO
from dashboards.panels import SOURCE
from dashboards.promql import CLUSTER

COLUMNS = 24
TAG = "stagekeeper"
OLDEST = "10.0.0"
"""The first Grafana that shows every option of the panels: it brought stats with a background of one colour."""
DOCUMENTATION = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/alerting.md"


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a question that they answer; they are placed from left to right, line by line."""

    question: str
    panels: tuple[sdk.Panel, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a dashboard is called, and what is drawn into all its panels."""

    uid: str
    """Alerts link to it: never change it."""
    title: str
    about: str
    several: bool
    """Whether several environments can be chosen at once."""
    phases: str
    """The expression of an open remediation's phase."""
    phase: str
    """How a phase is called in an annotation."""


def board(head: Head, sections: Sequence[Section]) -> sdk.Dashboard:
    """The whole dashboard."""
    links = sdk.DashboardLinkType
    return sdk.Dashboard(
        uid=head.uid,
        title=head.title,
        description=f"{head.about} Needs Grafana {OLDEST.partition('.')[0]} or later.",
        tags=[TAG],
        timezone="browser",
        editable=False,
        graph_tooltip=sdk.DashboardCursorSync.CROSSHAIR,
        time=sdk.DashboardDashboardTime("now-1h", "now"),
        refresh="30s",
        panels=placed(sections),
        templating=sdk.DashboardDashboardTemplating(_variables(several=head.several)),
        annotations=sdk.AnnotationContainer([_phases(head)]),
        links=[
            sdk.DashboardLink("Other dashboards", links.DASHBOARDS, tags=[TAG], include_vars=True, keep_time=True),
            sdk.DashboardLink("How alerts work", links.LINK, url=DOCUMENTATION, target_blank=True),
        ],
    )


def _phases(head: Head) -> sdk.AnnotationQuery:
    """A region for each phase of a remediation."""
    return sdk.AnnotationQuery(
        name="Remediations",
        datasource=SOURCE,
        icon_color=INFO,
        target=prometheus.Dataquery(expr=f"{head.phases} == 1", interval="15s", ref_id="remediations"),
        title_format=head.phase,
    )


def placed(sections: Sequence[Section]) -> list[sdk.Panel | sdk.RowPanel]:
    """All panels with their places and with ids in order of reading."""
    found: list[sdk.Panel | sdk.RowPanel] = []
    y = 0
    for section in sections:
        found.append(sdk.RowPanel(title=section.question, grid_pos=sdk.GridPos(h=1, w=COLUMNS, x=0, y=y)))
        y = _place(section.panels, y + 1)
        found += section.panels
    for number, panel in enumerate(found, 1):
        panel.id_val = number
    return found


def _place(panels: Sequence[sdk.Panel], y: int) -> int:
    """Place panels from line `y` on; returns the line after the last."""
    x = height = 0
    for panel in panels:
        place = panel.grid_pos or sdk.GridPos()
        if x + place.w > COLUMNS:
            x, y, height = 0, y + height, 0
        place.x, place.y = x, y
        x, height = x + place.w, max(height, place.h)
    return y + height


def _variables(*, several: bool) -> list[sdk.VariableModel]:
    source = sdk.VariableModel(
        type_val=sdk.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        description="The Prometheus that scrapes Stagekeeper.",
        query="prometheus",
    )
    checks = "stagekeeper_last_observation_timestamp_seconds"
    cluster = _query("cluster", f"label_values({checks}, cluster)", everything=True)
    cluster.description = "The label `cluster`, where one Prometheus rules over several. All: whatever it is, or none."
    environment = _query("environment", f"label_values({checks}{{{CLUSTER}}}, environment)", everything=several)
    environment.description = "Environments that were checked within the time range."
    environment.multi = several
    variables = [source, cluster, environment]
    for variable in variables:  # the SDK's defaults for variables of another kind, which Grafana's types refuse
        variable.auto = variable.auto_min = variable.auto_count = None
    return variables


def _query(name: str, query: str, *, everything: bool) -> sdk.VariableModel:
    """A variable that Prometheus fills; with `everything` it begins with "All"."""
    return sdk.VariableModel(
        type_val=sdk.VariableType.QUERY,
        name=name,
        label=name.capitalize(),
        datasource=SOURCE,
        query={"qryType": 1, "query": query, "refId": name},
        refresh=sdk.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=sdk.VariableSort.ALPHABETICAL_ASC,
        include_all=everything,
        all_value=".*" if everything else None,
        current=sdk.VariableOption(text="All", value="$__all", selected=True) if everything else None,
    )


def as_json(dashboard: sdk.Dashboard) -> str:
    """The file that Grafana reads: the same text for the same dashboard."""
    found = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    needed = {"type": "grafana", "id": "grafana", "name": "Grafana", "version": OLDEST}
    return json.dumps(found | {"__requires": [needed]}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
