"""The environment's wall clock, driven by the event loop's time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class Clock:
    """Wall time that advances with the event loop, so fake loop time moves every timestamp and `Date` header too.

    `loop_time` gives monotonic seconds (usually `loop.time`); `start` is the wall time that it now stands for, by
    default the real one.
    """

    def __init__(self, loop_time: Callable[[], float], start: datetime | None = None) -> None:
        self._loop_time = loop_time
        self._origin = loop_time()
        self._start = start or datetime.fromtimestamp(time.time(), UTC)

    def now(self) -> datetime:
        """Give the current time, in UTC."""
        return self._start + timedelta(seconds=self._loop_time() - self._origin)

    def monotonic(self) -> float:
        """Give the loop's own time in seconds, which `shift` does not move."""
        return self._loop_time()

    def shift(self, seconds: float) -> None:
        """Move the wall clock without moving the loop: what was stamped before becomes older by so much."""
        self._start += timedelta(seconds=seconds)


def timestamp(moment: datetime) -> str:
    """Format a time as Kubernetes does: RFC 3339, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """Read what `timestamp` wrote. ValueError if it is something else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def http_date(moment: datetime) -> str:
    """Format a time for HTTP's `Date` header."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)
