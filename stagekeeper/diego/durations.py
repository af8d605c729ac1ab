"""Durations as a sentence has them. Pure."""

from datetime import timedelta

_UNITS = ((3600, "hours"), (60, "minutes"))


def spell(duration: timedelta) -> str:
    """The largest unit in which it is a whole number above one; else seconds."""
    seconds = duration.total_seconds()
    for size, unit in _UNITS:
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
