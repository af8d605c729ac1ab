"""A whole dashboard: variables, annotations, links, and its panels placed on Grafana's grid of 24 columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.face import INFO
from dashboards.panels import SOURCE
from dashboards.schema import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    GridPos,
    JSONEncoder,
    Panel,
    RowPanel,
    VariableModel,
    VariableRefresh,
    VariableSort,
    VariableType,
    prometheus,
)

COLUMNS = 24
TAG = "stagekeeper"
DOCUMENTATION = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/alerting.md"


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading; they are placed from left to right, line by line."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a dashboard is called, and what is drawn into all its panels."""

    uid: str
    """Alerts link to it: never change it."""
    title: str
    about: str
    several: bool
    """Whether several environments can be chosen at once."""
    episodes: str
    """The expression of an open episode's phase."""
    episode: str
    """How a phase of an episode is called in an annotation."""


def board(head: Head, sections: Sequence[Section]) -> Dashboard:
    """The whole dashboard."""
    return Dashboard(
        uid=head.uid,
        title=head.title,
        description=head.about,
        tags=[TAG],
        timezone="browser",
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime("now-1h", "now"),
        refresh="30s",
        panels=placed(sections),
        templating=DashboardDashboardTemplating(_variables(several=head.several)),
        annotations=AnnotationContainer([_episodes(head)]),
        links=[
            DashboardLink(
                "Other dashboards", DashboardLinkType.DASHBOARDS, tags=[TAG], include_vars=True, keep_time=True
            ),
            DashboardLink("How alerts work", DashboardLinkType.LINK, url=DOCUMENTATION, target_blank=True),
        ],
    )


def _episodes(head: Head) -> AnnotationQuery:
    """A region for each phase of an episode."""
    return AnnotationQuery(
        name="Episodes of the remediator",
        datasource=SOURCE,
        icon_color=INFO,
        target=prometheus.Dataquery(expr=f"{head.episodes} == 1", interval="15s", ref_id="episodes"),
        title_format=head.episode,
    )


def placed(sections: Sequence[Section]) -> list[Panel | RowPanel]:
    """All panels with their places and with ids in order of reading."""
    found: list[Panel | RowPanel] = []
    y = 0
    for section in sections:
        found.append(RowPanel(title=section.title, grid_pos=GridPos(h=1, w=COLUMNS, x=0, y=y)))
        y = _place(section.panels, y + 1)
        found += section.panels
    for number, panel in enumerate(found, 1):
        panel.id_val = number
    return found


def _place(panels: Sequence[Panel], y: int) -> int:
    """Place panels from line `y` on; returns the line after the last."""
    x = height = 0
    for panel in panels:
        place = panel.grid_pos or GridPos()
        if x + place.w > COLUMNS:
            x, y, height = 0, y + height, 0
        place.x, place.y = x, y
        x, height = x + place.w, max(height, place.h)
    return y + height


def _variables(*, several: bool) -> list[VariableModel]:
    source = VariableModel(
        type_val=VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        description="The Prometheus that scrapes Stagekeeper.",
        query="prometheus",
    )
    environments = "label_values(stagekeeper_last_look_timestamp_seconds, environment)"
    environment = VariableModel(
        type_val=VariableType.QUERY,
        name="environment",
        label="Environment",
        description="Environments that were looked at within the time range.",
        datasource=SOURCE,
        query={"qryType": 1, "query": environments, "refId": "environments"},
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
        multi=several,
        include_all=several,
        all_value=".*" if several else None,
    )
    variables = [source, environment]
    for variable in variables:  # the SDK's defaults for variables of another kind, which Grafana's types refuse
        variable.auto = variable.auto_min = variable.auto_count = None
    return variables


def as_json(dashboard: Dashboard) -> str:
    """The file that Grafana reads: the same text for the same dashboard."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
