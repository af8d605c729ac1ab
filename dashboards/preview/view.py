"""A dashboard's JSON as far as a drawing needs it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel is, in grid units."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel."""

    expression: str
    legend: str
    instant: bool


@dataclass(frozen=True, slots=True)
class View:
    """One panel, or the heading of a section (`kind` is then `row`)."""

    kind: str
    title: str
    place: Place
    queries: tuple[Asked, ...]
    defaults: Json
    overrides: tuple[Json, ...]
    options: Json
    columns: Mapping[str, str]
    """For a table: labels and their headings."""

    @property
    def label(self) -> str:
        """The label whose value a stat shows, or "" if it shows the number."""
        return str(self.options["reduceOptions"].get("fields", "")).strip("/^$")

    def overridden(self, name: str) -> dict[str, Any]:
        """The properties that overrides give to the series of this name."""
        found: dict[str, Any] = {}
        for each in self.overrides:
            matcher = each["matcher"]
            pattern = matcher["options"].strip("/") if matcher["id"] == "byRegexp" else re.escape(matcher["options"])
            if re.fullmatch(pattern, name):
                found |= {prop["id"]: prop.get("value") for prop in each["properties"]}
        return found


def views(dashboard: Json) -> Iterator[View]:
    """Every panel of a dashboard, in its order."""
    for panel in dashboard["panels"]:
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        yield View(
            kind=panel["type"],
            title=panel["title"],
            place=Place(**{key: panel["gridPos"][key] for key in "xywh"}),
            queries=tuple(_asked(target) for target in panel.get("targets", ())),
            defaults=config["defaults"],
            overrides=tuple(config["overrides"]),
            options=panel.get("options", {}),
            columns=_columns(panel),
        )


def _asked(target: Json) -> Asked:
    return Asked(target["expr"], target["legendFormat"], target.get("instant", False))


def _columns(panel: Json) -> Mapping[str, str]:
    for each in panel.get("transformations", ()):
        if each["id"] == "organize":
            order, headings = each["options"]["indexByName"], each["options"]["renameByName"]
            return {name: headings[name] for name in sorted(headings, key=order.__getitem__)}
    return {}


def episodes(dashboard: Json) -> Asked:
    """The query of a dashboard's annotation."""
    annotation = dashboard["annotations"]["list"][0]
    return Asked(annotation["target"]["expr"], annotation["titleFormat"], instant=False)
