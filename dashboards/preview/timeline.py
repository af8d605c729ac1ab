"""Draws a state timeline: a lane for each series, coloured by its value."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dashboards.preview import svg
from dashboards.preview.ask import Series
from dashboards.preview.axes import SMALL, Frame
from dashboards.preview.values import BACKGROUND, TEXT, hexadecimal, shown
from dashboards.preview.view import View

TALLEST = 34.0
Stretch = tuple[float, float, float]
"""Beginning, end, value."""


def draw(view: View, answer: Sequence[Series], frame: Frame) -> Iterator[str]:
    """Lanes in the order of their beginnings, with the time axis below."""
    widest = max((svg.width_of(each.name, SMALL) for each in answer), default=0)
    frame = replace(frame, left=min(widest + 18, frame.right / 3))
    yield from frame.times()
    lane = min((frame.bottom - frame.top) / max(len(answer), 1), TALLEST)
    for at, series in enumerate(sorted(answer, key=lambda each: (each.points[0][0], each.name))):
        top = frame.top + at * lane
        name = svg.shortened(series.name, frame.left - 12, SMALL)
        yield svg.text(frame.left - 8, top + lane / 2 + 4, name, SMALL, TEXT, anchor="end")
        for stretch in stretches(series.points, frame.window.step):
            yield from _stretch(stretch, view, series.name, frame, top, lane)


def stretches(points: Sequence[tuple[float, float]], step: float) -> list[Stretch]:
    """Neighbouring points of one value as one stretch; a missing point ends it."""
    found: list[Stretch] = []
    for at, value in points:
        if found and found[-1][2] == value and at - found[-1][1] < step / 2:
            found[-1] = (found[-1][0], at + step, value)
        else:
            found.append((at, at + step, value))
    return found


def _stretch(stretch: Stretch, view: View, name: str, frame: Frame, top: float, lane: float) -> Iterator[str]:
    start, end, value = stretch
    words, color = shown(value, view)
    own = view.overridden(name).get("color", {}).get("fixedColor")
    x, width = frame.x(start), frame.x(min(end, frame.window.end)) - frame.x(start)
    yield svg.rect(x, top + 2, width, lane - 4, hexadecimal(own) if own else color, radius=2)
    if not own and svg.width_of(words, SMALL) < width - 8:
        yield svg.text(x + 6, top + lane / 2 + 4, words, SMALL, BACKGROUND, bold=True)
