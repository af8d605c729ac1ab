"""Time that waits for nobody: an event loop that jumps to its next timer, and the API server's clock on top of it.

So the product's own loops run as in production, and an hour of an incident takes a second.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EARLY = 1e-4
"""Seconds by which the world comes first, and who looks comes last, where more is due at the same moment."""


class _NobodyElse(selectors.SelectSelector):
    """Waits for nothing from outside: instead of sleeping until the next timer, time passes."""

    def __init__(self, passed: Callable[[float], None]) -> None:
        super().__init__()
        self._passed = passed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing is ever ready but timers."""
        if timeout is None:
            raise RuntimeError("Nothing is left that could ever happen.")
        self._passed(max(0.0, timeout))
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is the replay's, in seconds; it begins at `start`."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        super().__init__(_NobodyElse(self._pass))

    def time(self) -> float:
        """Seconds since the incident's start."""
        return self._now

    def _pass(self, seconds: float) -> None:
        self._now += seconds


def play(work: Coroutine[Any, Any, T], start: float = 0.0) -> T:
    """Run `work` to its end in a loop of its own, whose time begins at `start` seconds."""
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(start)) as runner:
        return runner.run(work)


class Clock:
    """The clocks of an incident: the loop's seconds since its start, and the API server's clock."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.jumped = 0.0
        """How far the API server's clock has been moved, in seconds."""

    @property
    def seconds(self) -> float:
        """Seconds since the incident's start."""
        return round(asyncio.get_running_loop().time(), 3)

    @property
    def now(self) -> datetime:
        """The API server's clock, in whole seconds as its `Date` header."""
        return (self.start + timedelta(seconds=self.seconds + self.jumped)).replace(microsecond=0)

    def at(self, seconds: float) -> datetime:
        """The moment so many seconds after the start, by an API server's clock that was never moved."""
        return self.start + timedelta(seconds=seconds)

    async def until(self, seconds: float, *, last: bool = False) -> None:
        """Wait until so many seconds after the start; be there before all others of that moment, or `last` of all."""
        moment = round(seconds, 3) + (EARLY if last else -EARLY)
        await asyncio.sleep(moment - asyncio.get_running_loop().time())
