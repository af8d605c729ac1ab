"""Draws a table: a row for each series."""

from collections.abc import Iterator, Sequence

from dashboards.preview import svg
from dashboards.preview.ask import Series
from dashboards.preview.values import EDGE, QUIET, TEXT, shown, shown_word
from dashboards.preview.view import View

ROW = 26.0
SIZE = 13.0


def draw(view: View, answer: Sequence[Series], width: float, height: float) -> Iterator[str]:
    """Headings, then as many rows as there is room for."""
    column = width / len(view.columns)
    if not answer:
        yield svg.text((width / 2, height / 2), view.defaults["noValue"], svg.Ink(15, QUIET, "middle"))
        return
    for at, heading in enumerate(view.columns.values()):
        yield svg.text((at * column + 4, 15), heading, svg.Ink(12, QUIET, bold=True))
    for row, series in enumerate(answer[: int((height - 22) / ROW)]):
        y = 22 + row * ROW
        yield svg.line((0, y), (width, y), EDGE)
        for at, label in enumerate(view.columns):
            words, color = _cell(label, series, view)
            fitting = svg.shortened(words, column - 8, SIZE)
            yield svg.text((at * column + 4, y + 18), fitting, svg.Ink(SIZE, color))


def _cell(label: str, series: Series, view: View) -> tuple[str, str]:
    """Text and colour of a cell."""
    if label == "Value":
        return shown(series.last, view)[0], TEXT
    value = series.labels.get(label, "")
    words, color = shown_word(value, view)
    return words, TEXT if words == value else color
