"""The four kinds of panel that our dashboards are made of, each with what all of its kind have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alerts.thresholds import RUNBOOKS
from dashboards.face import Face
from dashboards.schema import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DashboardLinkType,
    DataTransformerConfig,
    FieldConfigSource,
    GridPos,
    Panel,
    common,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
Overrides = tuple[DashboardFieldConfigSourceOverrides, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and how its series are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Question:
    """What a panel asks, what its answer means, and where to read on."""

    title: str
    about: str
    runbooks: tuple[str, ...] = ()
    """Names of alerts whose runbooks say what to do about a bad answer."""
    width: int = 6
    height: int = 4


def stat_of(question: Question, face: Face, *queries: Query, label: str = "", names: bool = False) -> Panel:
    """The newest value in large; of the label `label` where one is given; the series' name in its place if `names`."""
    reduced = common.ReduceDataOptions(calcs=["lastNotNull"], fields=f"/^{label}$/" if label else "")
    if label:
        reduced = common.ReduceDataOptions(values=True, limit=2, calcs=["lastNotNull"], fields=f"/^{label}$/")
    both = len(queries) > 1 or any(query.legend not in {"", "__auto"} for query in queries)
    texts = common.BigValueTextMode
    options = stat.Options(
        color_mode=common.BigValueColorMode.BACKGROUND_SOLID,
        graph_mode=common.BigValueGraphMode.NONE,
        text_mode=texts.NAME if names else texts.VALUE_AND_NAME if both else texts.VALUE,
        reduce_options=reduced,
        orientation=common.VizOrientation.VERTICAL if both and not names else common.VizOrientation.AUTO,
    )
    return _panel(
        "stat",
        question,
        _targets(queries, "table" if label else "instant"),
        options,
        FieldConfigSource(face.config(None)),
    )


def series_of(
    question: Question, face: Face, *queries: Query, stacked: bool = False, overrides: Overrides = ()
) -> Panel:
    """Lines over time, or stacked areas; the thresholds are dashed lines where there are any."""
    styles = common.GraphThresholdsStyleMode
    custom = common.GraphFieldConfig(
        line_width=1 if stacked else 2,
        fill_opacity=40 if stacked else 8,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE),
        thresholds_style=common.GraphThresholdsStyleConfig(styles.DASHED if len(face.steps) > 1 else styles.OFF),
    )
    options = timeseries.Options(
        legend=common.VizLegendOptions(show_legend=True),
        tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING),
    )
    fields = FieldConfigSource(face.config(custom, palette=True), [*overrides])
    return _panel("timeseries", question, _targets(queries, "range"), options, fields)


def timeline_of(question: Question, face: Face, *queries: Query, overrides: Overrides = ()) -> Panel:
    """A lane for each series, coloured by its value, with the value's word in it."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        row_height=0.85,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=common.VizLegendOptions(show_legend=False),
        tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.SINGLE),
    )
    fields = FieldConfigSource(face.config(statetimeline.FieldConfig(fill_opacity=85)), [*overrides])
    return _panel("state-timeline", question, _targets(queries, "range"), options, fields)


def table_of(question: Question, face: Face, query: Query, columns: Sequence[tuple[str, str]]) -> Panel:
    """The series that there are now: these labels as columns, each with its heading; `Value` is the value."""
    custom = common.TableFieldOptions(align=common.FieldTextAlignment.LEFT, cell_options=common.TableAutoCellOptions())
    fields = FieldConfigSource(face.config(custom))
    options = table.Options(cell_height=common.TableCellHeight.SM)
    options.footer = None  # the SDK's default is a key that Grafana 13 does not know any more
    panel = _panel("table", question, _targets((query,), "table"), options, fields)
    panel.transformations = [
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": [name for name, _ in columns]}}),
        DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {},
                "indexByName": {name: at for at, (name, _) in enumerate(columns)},
                "renameByName": dict(columns),
            },
        ),
    ]
    return panel


def _panel(
    kind: str, question: Question, targets: list[prometheus.Dataquery], options: object, fields: FieldConfigSource
) -> Panel:
    panel = Panel(type_val=kind, title=question.title, description=question.about, datasource=SOURCE, options=options)
    panel.grid_pos = GridPos(h=question.height, w=question.width)
    panel.targets = [*targets]
    panel.field_config = fields
    panel.links = [
        DashboardLink(
            title=f"Runbook {name}", type_val=DashboardLinkType.LINK, url=f"{RUNBOOKS}{name}.md", target_blank=True
        )
        for name in question.runbooks
    ]
    return panel


def _targets(queries: Sequence[Query], kind: Literal["range", "instant", "table"]) -> list[prometheus.Dataquery]:
    formats = prometheus.PromQueryFormat
    return [
        prometheus.Dataquery(
            expr=query.expression,
            legend_format=query.legend,
            ref_id=chr(ord("A") + at),
            format_val=formats.TABLE if kind == "table" else formats.TIME_SERIES,
            instant=kind != "range",
            range_val=kind == "range",
            editor_mode=prometheus.QueryEditorMode.CODE,
        )
        for at, query in enumerate(queries)
    ]
