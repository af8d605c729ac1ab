"""Puts the drawings of all panels on one page, on Grafana's grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.preview import lines, stat, svg, table, timeline
from dashboards.preview.ask import Series, Window
from dashboards.preview.axes import Frame
from dashboards.preview.values import BACKGROUND, EDGE, PANEL, QUIET, TEXT
from dashboards.preview.view import Place, View

WIDTH, COLUMNS = 1600.0, 24
CELL, GAP, HEADER = 30.0, 8.0, 64.0
TITLE = 14.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What is shown, and what the time axes call 0."""

    window: Window
    zero: float
    caption: str


def draw(title: str, panels: Sequence[tuple[View, Sequence[Series]]], moment: Moment) -> str:
    """The page as SVG."""
    height = HEADER + max(_box(view.place)[1] + _box(view.place)[3] for view, _ in panels) + GAP
    parts = [
        svg.text(GAP * 2, 38, title, 22, TEXT, bold=True),
        svg.text(WIDTH - GAP * 2, 38, moment.caption, 13, QUIET, anchor="end"),
        *(_panel(view, answer, moment) for view, answer in panels),
    ]
    return svg.page(parts, WIDTH, height, BACKGROUND)


def _box(place: Place) -> tuple[float, float, float, float]:
    """Left, top, width and height in pixels, below the header."""
    column = (WIDTH - GAP) / COLUMNS
    return (
        GAP + place.x * column,
        place.y * (CELL + GAP),
        place.w * column - GAP,
        place.h * (CELL + GAP) - GAP,
    )


def _panel(view: View, answer: Sequence[Series], moment: Moment) -> str:
    x, y, width, height = _box(view.place)
    if view.kind == "row":
        return svg.text(x + 6, HEADER + y + 21, view.title, 16, TEXT, bold=True)
    title = svg.shortened(view.title, width - 20, TITLE)
    parts = [
        svg.rect(0, 0, width, height, PANEL, radius=4, stroke=EDGE),
        svg.text(10, 21, title, TITLE, TEXT, bold=True),
        svg.group(_content(view, answer, width - 16, height - 40, moment), 8, 32),
    ]
    return svg.group(parts, x, HEADER + y)


def _content(view: View, answer: Sequence[Series], width: float, height: float, moment: Moment) -> Iterator[str]:
    """The drawing of a panel, by its kind."""
    frame = Frame(moment.window, moment.zero, left=58, right=width - 8, top=4, bottom=height - 20)
    match view.kind:
        case "stat":
            return stat.draw(view, answer, width, height)
        case "table":
            return table.draw(view, answer, width, height)
        case "state-timeline" if answer:
            return timeline.draw(view, answer, frame)
        case "timeseries" if answer:
            return lines.draw(view, answer, frame)
    return iter([svg.text(width / 2, height / 2, view.defaults["noValue"], 15, QUIET, anchor="middle")])
