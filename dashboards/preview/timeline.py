"""Draws a state timeline: a lane for each series, coloured by its value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dashboards.preview import svg
from dashboards.preview.ask import Series
from dashboards.preview.axes import SMALL, Frame
from dashboards.preview.values import BACKGROUND, TEXT, hexadecimal, shown
from dashboards.preview.view import View

TALLEST = 60.0
Stretch = tuple[float, float, float]
"""Beginning, end, value."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Where one series is drawn."""

    frame: Frame
    top: float
    height: float


def draw(view: View, answer: Sequence[Series], frame: Frame) -> Iterator[str]:
    """Lanes in the order of their beginnings, with the time axis below."""
    widest = max((svg.width_of(each.name, SMALL) for each in answer), default=0)
    frame = replace(frame, left=min(widest + 18, frame.right / 3))
    yield from frame.times()
    height = min((frame.bottom - frame.top) / max(len(answer), 1), TALLEST)
    for at, series in enumerate(sorted(answer, key=lambda each: (each.points[0][0], each.name))):
        lane = Lane(frame, frame.top + at * height, height)
        name = svg.shortened(series.name, frame.left - 12, SMALL)
        yield svg.text((frame.left - 8, lane.top + height / 2 + 4), name, svg.Ink(SMALL, TEXT, "end"))
        own = view.overridden(series.name).get("color", {}).get("fixedColor")
        for stretch in stretches(series.points, frame.window.step):
            words, color = ("", hexadecimal(own)) if own else shown(stretch[2], view)
            yield from _stretch(stretch, words, color, lane)


def stretches(points: Sequence[tuple[float, float]], step: float) -> list[Stretch]:
    """Neighbouring points of one value as one stretch; a missing point ends it."""
    found: list[Stretch] = []
    for at, value in points:
        if found and found[-1][2] == value and at - found[-1][1] < step / 2:
            found[-1] = (found[-1][0], at + step, value)
        else:
            found.append((at, at + step, value))
    return found


def _stretch(stretch: Stretch, words: str, color: str, lane: Lane) -> Iterator[str]:
    """A coloured field with its word, where that fits."""
    x = lane.frame.x(stretch[0])
    width = lane.frame.x(min(stretch[1], lane.frame.window.end)) - x
    yield svg.rect(svg.Box(x, lane.top + 2, width, lane.height - 4), color, radius=2)
    if words and svg.width_of(words, SMALL) < width - 8:
        yield svg.text((x + 6, lane.top + lane.height / 2 + 4), words, svg.Ink(SMALL, BACKGROUND, bold=True))
