"""Durations, as a person writes them and as a sentence has them. Pure."""

import re
from datetime import timedelta
from typing import Any

_UNITS = ((3600, "hours"), (60, "minutes"))
_PARTS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_SPELLED = re.compile(rf"(?:{_PART.pattern})+")


def seconds(value: Any) -> float:
    """A duration in seconds: a number, or text such as `90s`, `20m`, `1h30m`, `3d`. Raises `ValueError`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _SPELLED.fullmatch(value):
        return sum(float(number) * _PARTS[unit] for number, unit in _PART.findall(value))
    raise ValueError("must be a duration: seconds as a number, or such as 90s, 20m, 1h30m or 3d")


def spell(duration: timedelta) -> str:
    """The largest unit in which it is a whole number above one; else seconds."""
    seconds = duration.total_seconds()
    for size, unit in _UNITS:
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
