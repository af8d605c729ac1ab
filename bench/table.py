"""One line of the result, and all of them as text and as JSON. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.numbers import Rounds

Test = Callable[["Line"], bool]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked for: in words, and as a test of the line."""

    says: str
    met: Test


def at_most(limit: float) -> Goal:
    """The median of ours must not exceed `limit`, in the line's unit."""
    return Goal(f"<= {limit:g}", lambda line: line.ours.median <= limit)


def ratio_at_most(limit: float) -> Goal:
    """Ours over theirs must not exceed `limit`."""
    return Goal(f"ratio <= {limit:g}", lambda line: line.ratio is not None and line.ratio <= limit)


@dataclass(frozen=True, slots=True)
class Line:
    """Ours beside something that was measured in the same rounds."""

    what: str
    unit: str
    ours: Rounds
    beside: str = ""
    theirs: Rounds | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs; None where there is nothing beside, or where that is 0."""
        return self.ours.over(self.theirs) if self.theirs and self.theirs.median else None

    @property
    def verdict(self) -> str:
        """Whether the goal is met; "" without one."""
        if self.goal is None:
            return ""
        return f"{self.goal.says}: {'met' if self.goal.met(self) else 'MISSED'}"

    def as_json(self) -> dict[str, Any]:
        """Everything, with the rounds."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours.values,
            "median": self.ours.median,
            "beside": self.beside,
            "theirs": self.theirs.values if self.theirs else None,
            "their_median": self.theirs.median if self.theirs else None,
            "ratio": self.ratio,
            "goal": self.verdict,
        }


@dataclass(slots=True)
class Section:
    """Lines that belong together, and sentences that no number says."""

    title: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    """A table of words, its headings first."""

    def as_json(self) -> dict[str, Any]:
        """Lines, cells and notes."""
        lines = [line.as_json() for line in self.lines]
        return {"title": self.title, "lines": lines, "cells": self.cells, "notes": self.notes}


HEADINGS = ("what", "ours (low..high)", "beside (low..high)", "ratio", "goal")


def rows(sections: Iterable[Section]) -> list[tuple[str, ...]]:
    """All sections as one table's rows; a section's title, and each note, stands alone in its row."""
    found: list[tuple[str, ...]] = []
    for section in sections:
        found.append((section.title.upper(),))
        found += [_row(line) for line in section.lines]
        widths = [max(map(len, column)) for column in zip(*section.cells, strict=True)]
        found += [(f"  {_aligned(row, widths)}",) for row in section.cells]
        found += [(f"  {note}",) for note in section.notes]
    return found


def text(sections: Iterable[Section]) -> str:
    """The table for a terminal."""
    body = rows(sections)
    widths = [max(len(row[column]) for row in [HEADINGS, *body] if len(row) > 1) for column in range(len(HEADINGS))]
    lines = [_aligned(HEADINGS, widths), "-" * (sum(widths) + 2 * len(widths))]
    return "\n".join([*lines, *(_aligned(row, widths) for row in body)])


def _row(line: Line) -> tuple[str, ...]:
    theirs = f"{line.beside}: {_rounds(line.theirs, line.unit)}" if line.theirs else line.beside
    ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
    return f"  {line.what}", _rounds(line.ours, line.unit), theirs, ratio, line.verdict


def _rounds(rounds: Rounds, unit: str) -> str:
    return f"{_number(rounds.median)} {unit} ({_number(rounds.low)}..{_number(rounds.high)})"


def _number(value: float) -> str:
    """Three figures are what a noisy machine gives."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 -- three figures


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    if len(row) == 1:
        return row[0]
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
