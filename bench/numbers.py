"""Percentiles, medians and ratios of rounds. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Rounds:
    """The same measurement, once in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.values)

    def over(self, other: "Rounds") -> float:
        """The median of the ratios, round by round: what disturbed a whole round disturbs both parts of its ratio."""
        return median(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True) if theirs)

    def plus(self, other: "Rounds") -> "Rounds":
        """Both, one after the other, round by round."""
        return Rounds(tuple(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))
