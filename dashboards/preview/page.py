"""Puts the drawings of all panels on one page, on Grafana's grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.preview import lines, stat, svg, table, timeline
from dashboards.preview.ask import Series, Window
from dashboards.preview.axes import Band, Frame
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
    bands: tuple[Band, ...] = ()


def draw(title: str, panels: Sequence[tuple[View, Sequence[Series]]], moment: Moment) -> str:
    """The page as SVG."""
    height = HEADER + max(_box(view.place).y + _box(view.place).h for view, _ in panels) + GAP
    parts = [
        svg.text((GAP * 2, 38), title, svg.Ink(22, TEXT, bold=True)),
        svg.text((WIDTH - GAP * 2, 38), moment.caption, svg.Ink(13, QUIET, "end")),
        *(_panel(view, answer, moment) for view, answer in panels),
    ]
    return svg.page(parts, WIDTH, height, BACKGROUND)


def _box(place: Place) -> svg.Box:
    """A panel's place in pixels, below the header."""
    column = (WIDTH - GAP) / COLUMNS
    y, height = place.y * (CELL + GAP), place.h * (CELL + GAP) - GAP
    return svg.Box(GAP + place.x * column, y, place.w * column - GAP, height)


def _panel(view: View, answer: Sequence[Series], moment: Moment) -> str:
    box = _box(view.place)
    if view.kind == "row":
        return svg.text((box.x + 6, HEADER + box.y + 21), view.title, svg.Ink(16, TEXT, bold=True))
    parts = [
        svg.rect(svg.Box(0, 0, box.w, box.h), PANEL, radius=4, stroke=EDGE),
        svg.text((10, 21), svg.shortened(view.title, box.w - 20, TITLE), svg.Ink(TITLE, TEXT, bold=True)),
        svg.group(_content(view, answer, svg.Box(0, 0, box.w - 16, box.h - 40), moment), (8, 32)),
    ]
    return svg.group(parts, (box.x, HEADER + box.y))


def _content(view: View, answer: Sequence[Series], box: svg.Box, moment: Moment) -> Iterator[str]:
    """The drawing of a panel, by its kind."""
    frame = Frame(moment.window, moment.zero, left=58, right=box.w - 8, top=4, bottom=box.h - 20, bands=moment.bands)
    match view.kind:
        case "stat":
            return stat.draw(view, answer, box.w, box.h)
        case "table":
            return table.draw(view, answer, box.w, box.h)
        case "state-timeline" if answer:
            return timeline.draw(view, answer, frame)
        case "timeseries" if answer:
            return lines.draw(view, answer, frame)
    return iter([svg.text((box.w / 2, box.h / 2), view.defaults["noValue"], svg.Ink(15, QUIET, "middle"))])
