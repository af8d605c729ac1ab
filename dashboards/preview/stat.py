"""Draws a stat: the newest value in large on its colour."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from dashboards.preview import svg
from dashboards.preview.ask import Series
from dashboards.preview.values import UNKNOWN, shown, shown_word
from dashboards.preview.view import View

INK = "#ffffff"
LARGEST, SMALLEST = 32.0, 13.0
GAP = 4.0
BOLD = 1.12
"""How much wider bold text is."""


def draw(view: View, answer: Sequence[Series], width: float, height: float) -> Iterator[str]:
    """One field for each value, one below the other."""
    values = _values(view, answer)
    each = (height - GAP * (len(values) - 1)) / len(values)
    fields = (_field(value, width, each, at * (each + GAP)) for at, value in enumerate(values))
    return chain.from_iterable(fields)


def _values(view: View, answer: Sequence[Series]) -> list[tuple[str, str, str]]:
    """Text, colour and name of each value."""
    if not answer:
        return [(view.defaults["noValue"], UNKNOWN, "")]
    if view.label:
        return [(*shown_word(series.labels.get(view.label, ""), view), "") for series in answer]
    if view.options["textMode"] == "name":
        return [(series.name, shown(series.last, view)[1], "") for series in answer]
    return [(*shown(series.last, view), series.name) for series in answer]


def _field(value: tuple[str, str, str], width: float, height: float, y: float) -> Iterator[str]:
    words, color, name = value
    yield svg.rect(svg.Box(0, y, width, height), color, radius=3)
    size, lines = _fitting(words, width - 20, height - (30 if name else 12))
    middle = y + height / 2 + (8 if name else 0)
    if name:
        yield svg.text((width / 2, middle - size * 0.62 * len(lines) - 4), name, svg.Ink(13, INK, "middle"))
    for at, words_of_line in enumerate(lines):
        base = middle + (at - (len(lines) - 1) / 2) * size * 1.2 + size * 0.35
        yield svg.text((width / 2, base), words_of_line, svg.Ink(size, INK, "middle", bold=True))


def _fitting(words: str, width: float, height: float) -> tuple[float, list[str]]:
    """The largest font with which a text fits, and its lines."""
    size = LARGEST
    while True:
        fits = max(int(width / (size * svg.WIDTH_OF_A_CHARACTER * BOLD)), 1)
        lines = textwrap.wrap(words, fits, break_long_words=False) or [""]
        fitting = len(lines) * size * 1.2 <= height and all(len(each) <= fits for each in lines)
        if fitting or size <= SMALLEST:
            return size, lines
        size -= 1
