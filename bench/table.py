"""Rounds of a measurement, the lines that compare them, and all of it as Markdown and as JSON. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Rounds:
    """The same measurement, once in each round."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, value: float) -> "Rounds":
        """What was taken once."""
        return cls((value,))

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def at_most(self, limit: float) -> str:
        """The goal that the median does not exceed this, in the line's unit."""
        return goal(f"<= {limit:g}", met=self.median <= limit)

    def at_most_times(self, ratio: float, other: "Rounds") -> str:
        """The goal that this takes at most so many times what the other takes."""
        return goal(f"ratio <= {ratio:g}", met=self.over(other) <= ratio)

    def over(self, other: "Rounds") -> float:
        """The median of the ratios, round by round: what disturbed a whole round disturbs both parts of its ratio."""
        return median(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True) if theirs)


def goal(says: str, *, met: bool) -> str:
    """What was asked for, and whether that is so."""
    return f"{says}: {'met' if met else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Line:
    """Ours beside something that was measured in the same rounds."""

    what: str
    unit: str
    ours: Rounds
    beside: str = ""
    theirs: Rounds | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over theirs; None where there is nothing beside, or where that is 0."""
        return self.ours.over(self.theirs) if self.theirs and self.theirs.median else None


@dataclass(slots=True)
class Section:
    """Lines that belong together, and sentences that no number says."""

    title: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    """A table of words, its headings first."""


def markdown(sections: Iterable[Section]) -> str:
    """All sections for a terminal and for a page."""
    return "\n".join(line for section in sections for line in _lines(section))


def _lines(section: Section) -> Iterator[str]:
    yield f"### {section.title}\n"
    yield from _table([("what", "ours", "beside", "ratio", "goal"), *map(_row, section.lines)])
    yield from _table(section.cells)
    yield from (f"* {note}" for note in section.notes)
    yield ""


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    for row in (rows[0], rule, *rows[1:]):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
    yield ""


def _row(line: Line) -> tuple[str, ...]:
    theirs = f"{line.beside}: {_rounds(line.theirs, line.unit)}" if line.theirs else line.beside
    ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
    return line.what, _rounds(line.ours, line.unit), theirs, ratio, line.goal


def _rounds(rounds: Rounds, unit: str) -> str:
    spread = f" ({_number(min(rounds.values))} to {_number(max(rounds.values))})" if len(rounds.values) > 1 else ""
    return f"{_number(rounds.median)} {unit}".rstrip() + spread


def _number(value: float) -> str:
    """Three figures are what a noisy machine gives."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 -- three figures
