"""Asks a Prometheus what the panels of a dashboard ask."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

STEPS = 240
"""Points of a line."""
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel."""

    expression: str
    legend: str
    instant: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard's JSON, without its looks."""

    title: str
    queries: tuple[Asked, ...]
    no_value: str
    """What it shows where nothing answers."""


def panels(dashboard: Mapping[str, Any]) -> Iterator[Panel]:
    """Every panel in its order, the headings of sections left out."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            targets = panel["targets"]
            queries = tuple(Asked(each["expr"], each["legendFormat"], each.get("instant", False)) for each in targets)
            yield Panel(panel["title"], queries, panel["fieldConfig"]["defaults"]["noValue"])


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer; `points` are Unix times and values, the only one for an instant query."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """Its newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Window:
    """The time range that is shown, in Unix seconds; its end is "now"."""

    start: float
    end: float

    @property
    def step(self) -> float:
        """Seconds between two points."""
        return (self.end - self.start) / STEPS


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Where to ask, and what stands for Grafana's variables."""

    session: aiohttp.ClientSession
    url: str
    environment: str
    rate_interval: str
    """At least four scrape intervals, as Grafana chooses it."""

    async def ask(self, asked: Asked, window: Window) -> list[Series]:
        """The series that answer a query. RuntimeError with Prometheus's words if it refuses it."""
        query = self.spelled(asked.expression, window)
        if asked.instant:
            what, times = "query", {"time": f"{window.end:.3f}"}
        else:
            what = "query_range"
            times = {"start": f"{window.start:.3f}", "end": f"{window.end:.3f}", "step": f"{window.step:.3f}"}
        url = f"{self.url}/api/v1/{what}"
        async with self.session.get(url, params={"query": query, **times}, timeout=_TIMEOUT) as response:
            answer = await response.json()
        if answer["status"] != "success":
            raise RuntimeError(f"Prometheus refuses this query: {answer['error']}\n{query}")
        found = (
            _series(each["metric"], each.get("values") or [each["value"]], asked) for each in answer["data"]["result"]
        )
        return sorted((each for each in found if each.points), key=lambda each: each.name)

    def spelled(self, expression: str, window: Window) -> str:
        """An expression with the values of Grafana's variables."""
        variables = {
            "$environment": self.environment,
            "$cluster": ".*",
            "$__range": f"{math.ceil(window.end - window.start)}s",
            "$__rate_interval": self.rate_interval,
        }
        for name, value in variables.items():
            expression = expression.replace(name, value)
        return expression


def _series(labels: Mapping[str, str], values: list[tuple[float, str]], asked: Asked) -> Series:
    points = tuple((float(at), float(value)) for at, value in values if math.isfinite(float(value)))
    name = "" if asked.legend == "__auto" else _LEGEND.sub(lambda match: labels.get(match[1], ""), asked.legend)
    return Series(name, labels, points)
