"""Draws series over time: lines, or areas on each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dashboards.preview import svg
from dashboards.preview.ask import Series, Window
from dashboards.preview.axes import SMALL, TICKS, Frame, rounded_up
from dashboards.preview.values import GRID, PALETTE, QUIET, TEXT, hexadecimal, with_unit
from dashboards.preview.view import View

LEGEND = 20.0


@dataclass(frozen=True, slots=True)
class Styled:
    """A series with its colour, and whether it stands on others."""

    series: Series
    color: str
    stacked: bool


def draw(view: View, answer: Sequence[Series], frame: Frame) -> Iterator[str]:
    """Axes, thresholds, series and a legend."""
    styled = _styled(view, telling(answer))
    legend, rows = _legend(styled, frame)
    frame = replace(frame, bottom=frame.bottom - rows * LEGEND, highest=_highest(styled, view))
    yield from frame.marked()
    yield from frame.times()
    yield from _values(frame, view.defaults["unit"])
    yield from _thresholds(view, frame)
    yield from _stack([each for each in styled if each.stacked], frame)
    for each in styled:
        if not each.stacked:
            for points in _unbroken(each.series.points, frame.window):
                yield svg.path([(frame.x(at), frame.y(value)) for at, value in points], each.color)
    yield from legend


def telling(answer: Sequence[Series]) -> Sequence[Series]:
    """Those that are ever above 0, if any are: reasons that nobody met would only fill the legend."""
    return [each for each in answer if any(value for _, value in each.points)] or answer


def _styled(view: View, answer: Sequence[Series]) -> list[Styled]:
    stacks = view.defaults["custom"].get("stacking", {}).get("mode") == "normal"
    found = []
    for at, series in enumerate(answer):
        own = view.overridden(series.name)
        color = own.get("color", {}).get("fixedColor") or PALETTE[at % len(PALETTE)]
        stacked = own.get("custom.stacking", {}).get("mode", "normal") == "normal" and stacks
        found.append(Styled(series, hexadecimal(color), stacked))
    return found


def _highest(styled: Sequence[Styled], view: View) -> float:
    """The upper end of the axis: what is configured, or round, and above every value and every near threshold."""
    if "max" in view.defaults:
        return float(view.defaults["max"])
    alone = (value for each in styled if not each.stacked for _, value in each.series.points)
    stacked = _sums([each.series for each in styled if each.stacked]).values()
    highest = max([*alone, *stacked], default=0.0)
    limits = [each["value"] for each in view.defaults["thresholds"]["steps"] if each["value"]]
    near = [each for each in limits if each <= highest * 2]
    return rounded_up(max([highest, *near]) * 1.02, view.defaults["unit"])


def _sums(series: Sequence[Series]) -> Mapping[float, float]:
    sums: dict[float, float] = {}
    for each in series:
        for at, value in each.points:
            sums[at] = sums.get(at, 0.0) + value
    return sums


def _values(frame: Frame, unit: str) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = frame.highest * tick / TICKS
        y = frame.y(value)
        yield svg.line((frame.left, y), (frame.right, y), GRID)
        yield svg.text((frame.left - 6, y + 4), with_unit(value, unit), svg.Ink(SMALL, QUIET, "end"))


def _thresholds(view: View, frame: Frame) -> Iterator[str]:
    for step in view.defaults["thresholds"]["steps"]:
        if step["value"] and step["value"] <= frame.highest:
            y = frame.y(step["value"])
            yield svg.line((frame.left, y), (frame.right, y), hexadecimal(step["color"]), dashes="6 4")


def _stack(styled: Sequence[Styled], frame: Frame) -> Iterator[str]:
    floor: dict[float, float] = {}
    for each in styled:
        for points in _unbroken(each.series.points, frame.window):
            top = [(frame.x(at), frame.y(floor.get(at, 0.0) + value)) for at, value in points]
            base = [(frame.x(at), frame.y(floor.get(at, 0.0))) for at, _ in reversed(points)]
            yield svg.area([*top, *base], each.color)
            yield svg.path(top, each.color, width=1)
        for at, value in each.series.points:
            floor[at] = floor.get(at, 0.0) + value


def _unbroken(points: Sequence[tuple[float, float]], window: Window) -> Iterator[list[tuple[float, float]]]:
    """Stretches without a missing point."""
    stretch = list(points[:1])
    for before, after in pairwise(points):
        if after[0] - before[0] > window.step * 1.5:
            yield stretch
            stretch = []
        stretch.append(after)
    if stretch:
        yield stretch


def _legend(styled: Sequence[Styled], frame: Frame) -> tuple[list[str], int]:
    """The names, in as many lines as they need."""
    parts: list[str] = []
    x, row = frame.left, 0
    placed: list[tuple[float, int, Styled]] = []
    for each in styled:
        width = svg.width_of(each.series.name, SMALL) + 30
        if x + width > frame.right and x > frame.left:
            x, row = frame.left, row + 1
        placed.append((x, row, each))
        x += width
    rows = row + 1 if placed else 0
    for x_of, row_of, each in placed:
        y = frame.bottom + 16 - (rows - 1 - row_of) * LEGEND
        parts.append(svg.rect(svg.Box(x_of, y + 3, 12, 4), each.color, radius=2))
        parts.append(svg.text((x_of + 17, y + 9), each.series.name, svg.Ink(SMALL, TEXT)))
    return parts, rows
