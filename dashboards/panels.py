"""The four kinds of panel that our dashboards are made of, each with what all of its kind have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.models import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as sdk

from dashboards.field_config import Field

RUNBOOKS = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/runbooks/en/"
SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
Overrides = tuple[sdk.DashboardFieldConfigSourceOverrides, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and how its series are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Caption:
    """What a panel shows, what it means, where to read on, and its size on the grid of 24 columns."""

    title: str
    about: str
    runbooks: tuple[str, ...] = ()
    """Names of alerts whose runbooks say what to do about a bad value."""
    width: int = 6
    height: int = 4


def stat_of(caption: Caption, field: Field, *queries: Query, label: str = "", names: bool = False) -> sdk.Panel:
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
    fields = sdk.FieldConfigSource(field.config(None))
    return _panel("stat", caption, _targets(queries, "table" if label else "instant"), options, fields)


def series_of(
    caption: Caption, field: Field, *queries: Query, stacked: bool = False, overrides: Overrides = ()
) -> sdk.Panel:
    """Lines over time, or stacked areas; the thresholds are dashed lines where there are any."""
    styles = common.GraphThresholdsStyleMode
    custom = common.GraphFieldConfig(
        line_width=1 if stacked else 2,
        fill_opacity=40 if stacked else 8,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE),
        thresholds_style=common.GraphThresholdsStyleConfig(styles.DASHED if len(field.steps) > 1 else styles.OFF),
    )
    options = timeseries.Options(
        legend=common.VizLegendOptions(show_legend=True),
        tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING),
    )
    fields = sdk.FieldConfigSource(field.config(custom, palette=True), [*overrides])
    return _panel("timeseries", caption, _targets(queries, "range"), options, fields)


def timeline_of(caption: Caption, field: Field, *queries: Query, overrides: Overrides = ()) -> sdk.Panel:
    """A lane for each series, coloured by its value, with the value's text in it."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        row_height=0.85,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=common.VizLegendOptions(show_legend=False),
        tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.SINGLE),
    )
    fields = sdk.FieldConfigSource(field.config(statetimeline.FieldConfig(fill_opacity=85)), [*overrides])
    return _panel("state-timeline", caption, _targets(queries, "range"), options, fields)


def table_of(
    caption: Caption, field: Field, query: Query, columns: Sequence[tuple[str, str]], *, overrides: Overrides = ()
) -> sdk.Panel:
    """The series that there are now: these labels as columns, each with its heading; `Value` is the value."""
    custom = common.TableFieldOptions(align=common.FieldTextAlignment.LEFT, cell_options=common.TableAutoCellOptions())
    fields = sdk.FieldConfigSource(field.config(custom), [*overrides])
    options = table.Options(cell_height=common.TableCellHeight.SM)
    options.footer = None  # the SDK's default is a key that Grafana 13 does not know any more
    panel = _panel("table", caption, _targets((query,), "table"), options, fields)
    names = {"indexByName": {name: at for at, (name, _) in enumerate(columns)}, "renameByName": dict(columns)}
    panel.transformations = [
        sdk.DataTransformerConfig("filterFieldsByName", options={"include": {"names": [name for name, _ in columns]}}),
        sdk.DataTransformerConfig("organize", options={"excludeByName": {}, **names}),
    ]
    return panel


def _panel(
    kind: str, caption: Caption, targets: list[prometheus.Dataquery], options: object, fields: sdk.FieldConfigSource
) -> sdk.Panel:
    panel = sdk.Panel(type_val=kind, title=caption.title, description=caption.about, datasource=SOURCE, options=options)
    panel.grid_pos = sdk.GridPos(h=caption.height, w=caption.width)
    panel.targets = [*targets]
    panel.field_config = fields
    panel.links = [
        sdk.DashboardLink(
            title=f"Runbook {name}", type_val=sdk.DashboardLinkType.LINK, url=f"{RUNBOOKS}{name}.md", target_blank=True
        )
        for name in caption.runbooks
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
