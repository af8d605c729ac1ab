"""What must be true of a dashboard's JSON, whatever is on it. Each check yields sentences that say what is wrong."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

from prometheus_client import CollectorRegistry

from dashboards.boards import cf_stager, stagekeeper
from dashboards.panels import RUNBOOKS
from stagekeeper.service.metrics import process_registry
from tests.alerts.catalogue import RECORDS, ROOT, TARGET_LABELS, exposed
from tests.alerts.promql import grouping, uses

Json = Mapping[str, Any]
COLUMNS = 24
OURS = "https://github.com/stagekeeper/stagekeeper/blob/main/"
MADE = re.compile(r'(?:count_values \(|label_replace\(.*?, )"(\w+)"')
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
JOINED = re.compile(r"\bon \(([^)]*)\)")
VARIABLE = re.compile(r"\$\{?(\w+)")
OF_GRAFANA = {"__range", "__rate_interval"}


def problems(board: Json) -> list[str]:
    """Everything that is wrong with a dashboard."""
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    found = [*_places(board["panels"]), *_links(board), *_identity(board), *_headings(board["panels"])]
    for panel in panels:
        found += [f"{panel['title']}: {each}" for each in (*_manners(panel), *_expressions(panel, board))]
    return found


def _identity(board: Json) -> Iterator[str]:
    if board["uid"] not in {cf_stager.UID, stagekeeper.UID}:
        yield f"no alert links to the uid {board['uid']}"
    variables = {each["name"]: each["type"] for each in board["templating"]["list"]}
    if variables != {"datasource": "datasource", "cluster": "query", "environment": "query"}:
        yield f"the variables are {variables}"
    expression = board["annotations"]["list"][0]["target"]["expr"]
    yield from (f"annotation: {each}" for each in unknown(expression))


def _headings(panels: list[Json]) -> Iterator[str]:
    """A row asks; what answers it has a name."""
    for panel in panels:
        asks = panel["title"].endswith("?")
        if asks is not (panel["type"] == "row"):
            yield f"{panel['title']}: {'only a row asks' if asks else 'a row asks a question'}"


def _places(panels: list[Json]) -> Iterator[str]:
    for identifier, times in Counter(panel["id"] for panel in panels).items():
        if times > 1:
            yield f"the id {identifier} is given {times} times"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} overlap"
    for panel in panels:
        place = panel["gridPos"]
        if min(place.values()) < 0 or place["x"] + place["w"] > COLUMNS:
            yield f"{panel['title']} is not on the grid"


def _overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or above)


def _links(board: Json) -> Iterator[str]:
    panels = board["panels"]
    links = [*board["links"], *(link for panel in panels for link in (*panel.get("links", ()), *_data_links(panel)))]
    for link in links:
        url = link.get("url", "").replace("${__value.raw}", "StagerUnavailable")
        if url.startswith(OURS) and not (ROOT / url.removeprefix(OURS)).is_file():
            yield f"the link {url} leads nowhere"
        if link["type"] == "link" and not url.startswith(OURS):
            yield f"the link {url} leads away from our documentation"


def _data_links(panel: Json) -> Iterator[Json]:
    for override in panel.get("fieldConfig", {}).get("overrides", ()):
        yield from (link for each in override["properties"] if each["id"] == "links" for link in each["value"])


def _manners(panel: Json) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if len(panel.get("description", "")) < len("Alerts that fire now."):
        yield "there is no description"
    for key in ("unit", "noValue", "min"):
        if key not in defaults and not (key == "min" and panel["type"] == "stat"):
            yield f"there is no {key}"
    if not defaults["thresholds"]["steps"] or defaults["thresholds"]["steps"][0]["value"] is not None:
        yield "the thresholds have no lower end"
    if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
        yield "the data source is fixed"
    links = (*panel.get("links", ()), *_data_links(panel))
    if not any(link["url"].startswith(RUNBOOKS) for link in links) and panel["title"] != "Firing alerts":
        yield "there is no runbook to read on in"


def _expressions(panel: Json, board: Json) -> Iterator[str]:
    variables = {each["name"] for each in board["templating"]["list"]} | OF_GRAFANA
    for target in panel["targets"]:
        expression = target["expr"]
        yield from unknown(expression)
        yield from (f"the variable ${name} is not defined" for name in set(VARIABLE.findall(expression)) - variables)
        if any("instance" in joined and "cluster" not in joined for joined in JOINED.findall(expression)):
            yield "two clusters may have an instance of one address"
        labels = _labels(expression)
        shown = {*LEGEND.findall(target["legendFormat"]), *_columns(panel)}
        yield from (f"the label {name} is in no result" for name in shown - labels)


def _columns(panel: Json) -> set[str]:
    """The labels whose values a stat or a table shows."""
    found = {
        name
        for each in panel.get("transformations", ())
        if each["id"] == "organize"
        for name in each["options"]["renameByName"]
    }
    fields = panel.get("options", {}).get("reduceOptions", {}).get("fields", "")
    return (found | {fields.strip("/^$")}) - {"Value", ""}


def unknown(expression: str) -> Iterator[str]:
    """What an expression uses though nobody makes it."""
    known = series()
    for use in uses(_plain(expression)):
        if use.metric not in known:
            yield f"nobody exposes {use.metric}"
        elif not use.labels <= known[use.metric]:
            yield f"{use.metric} has no label {', '.join(sorted(use.labels - known[use.metric]))}"
    for label in grouping(expression) - _labels(expression):
        yield f"nothing that is selected has the label {label}"


def _labels(expression: str) -> set[str]:
    """Every label that a series in an expression may have."""
    known = series()
    used = (known.get(use.metric, frozenset()) for use in uses(_plain(expression)))
    return set().union(*used, MADE.findall(expression))


def _plain(expression: str) -> str:
    """An expression without Grafana's variables in durations."""
    return expression.replace("$__range", "1h").replace("$__rate_interval", "1m")


@cache
def series() -> dict[str, frozenset[str]]:
    """Every series that a Prometheus with our rules has, with its labels; `cluster` is one that all may have."""
    records = {record.name: frozenset(grouping(record.expression)) | {"environment"} for record in RECORDS}
    processes = dict.fromkeys(_process_metrics(process_registry("exporter")), TARGET_LABELS)
    alerts = frozenset({"alertname", "environment", "severity"})
    of_prometheus = {"ALERTS": alerts | {"alertstate"}, "ALERTS_FOR_STATE": alerts}
    known = exposed() | records | processes | of_prometheus
    return {name: labels | {"cluster"} for name, labels in known.items()}


def _process_metrics(registry: CollectorRegistry) -> Iterator[str]:
    return (sample.name for family in registry.collect() for sample in family.samples if "process_" in sample.name)
