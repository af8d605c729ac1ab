"""The axes that lines and timelines share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.preview import svg
from dashboards.preview.ask import Window
from dashboards.preview.values import GRID, MARK, QUIET

SMALL = 11.0
TICKS = 4
_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_TIMES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time to be marked, in Unix seconds."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a drawing's times and values are, in pixels."""

    window: Window
    zero: float
    """Unix time that the axis calls 0."""
    left: float
    right: float
    top: float
    bottom: float
    highest: float = 1.0
    bands: tuple[Band, ...] = ()

    def x(self, at: float) -> float:
        """Where a time is."""
        return self.left + (at - self.window.start) / (self.window.end - self.window.start) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where a value is."""
        return self.bottom - value / self.highest * (self.bottom - self.top)

    def marked(self) -> Iterator[str]:
        """The bands, with their names at their tops."""
        for band in self.bands:
            x, end = self.x(band.start), self.x(min(band.end, self.window.end))
            yield svg.rect(svg.Box(x, self.top, end - x, self.bottom - self.top), MARK, opacity=0.12)
            yield svg.line((x, self.top), (x, self.bottom), MARK, dashes="3 3")
            if svg.width_of(band.name, SMALL) < end - x:
                yield svg.text((x + 4, self.top + 11), band.name, svg.Ink(SMALL, MARK))

    def times(self) -> Iterator[str]:
        """The time axis: seconds after `zero`."""
        wanted = max(int((self.right - self.left) / 70), 2)
        step = next((each for each in _TIMES if (self.window.end - self.window.start) / each <= wanted), _TIMES[-1])
        at = math.ceil((self.window.start - self.zero) / step) * step
        while at <= self.window.end - self.zero:
            x = self.x(self.zero + at)
            yield svg.line((x, self.top), (x, self.bottom), GRID)
            yield svg.text((x, self.bottom + 15), f"{at:g} s", svg.Ink(SMALL, QUIET, "middle"))
            at += step


def rounded_up(value: float, unit: str) -> float:
    """The next round number, so that the ticks of an axis are round."""
    if value <= 0:
        return 1.0
    scale = 2.0**20 if unit == "bytes" else 1.0
    power = 10.0 ** math.floor(math.log10(value / scale / TICKS))
    return next(scale * power * nice * TICKS for nice in _NICE if scale * power * nice * TICKS >= value)
