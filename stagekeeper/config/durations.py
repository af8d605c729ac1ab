"""Durations: how a person writes them, how they are written back, and how a sentence says them. Pure.

Everywhere the same: `120` (seconds), `"120s"`, `"2m"`, `"1h30m"`, in the file, on the command line and in the chart.
The type of a setting that is one is `stagekeeper.config.model.Duration`.
"""

import re
from datetime import timedelta
from math import isfinite

_UNITS = {"w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
"""Microseconds, the largest first."""
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[wdhms])", re.ASCII)
"""One number with its unit."""
_WRITTEN = re.compile(rf"(?:{PART.pattern})+", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_WORDS = ((3600, "hours"), (60, "minutes"))
_COMPOUND = ("d", "h", "m")
_MUST = "must be a duration: seconds as a number, or such as 90s, 20m, 1h30m or 3d"


def parse(value: object) -> timedelta:
    """A duration: a number of seconds, text such as `90s`, `20m`, `1h30m`, `500ms`, or a timedelta as it is.

    Raises `ValueError` whose text is the rest of a sentence about the value.
    """
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return timedelta(seconds=value)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return timedelta(seconds=float(value))
        if isinstance(value, str) and _WRITTEN.fullmatch(value):
            return timedelta(microseconds=sum(float(number) * _UNITS[unit] for number, unit in PART.findall(value)))
    except OverflowError as problem:
        raise ValueError(f"{_MUST}; this one is too long") from problem
    raise ValueError(_MUST)


def spell(duration: timedelta) -> str:
    """The shortest form that `parse` reads as the same duration: `2m`, `1h30m`, `90s` as `1m30s`, `0s`."""
    if duration < timedelta(0):
        return f"-{spell(-duration)}"
    left = duration // timedelta(microseconds=1)
    spelled = ""
    for unit in _COMPOUND:
        count, left = divmod(left, _UNITS[unit])
        spelled += f"{count}{unit}" if count else ""
    if left % _UNITS["s"] and left < _UNITS["s"]:
        return f"{spelled}{_decimal(left, 'ms')}"
    return f"{spelled}{_decimal(left, 's')}" if left or not spelled else spelled


def _decimal(microseconds: int, unit: str) -> str:
    whole, rest = divmod(microseconds, _UNITS[unit])
    digits = len(str(_UNITS[unit])) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".") + unit


def in_words(duration: timedelta) -> str:
    """For a sentence: the largest unit in which it is a whole number above one; else seconds."""
    seconds = duration.total_seconds()
    for size, unit in _WORDS:
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
