"""What is still to happen in a replay, and the clocks by which it does. Pure."""

import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import IntEnum

Deed = Callable[[], Awaitable[None]]


class Order(IntEnum):
    """Who comes first at the same second."""

    WORLD = 0
    WORKER = 1
    WITNESS = 2


class Agenda:
    """Deeds by their time, in seconds since the start."""

    def __init__(self, start: datetime) -> None:
        self.seconds = 0.0
        """Our own monotonic clock."""
        self.jumped = 0.0
        """How far the API server's clock has been moved, in seconds."""
        self.start = start
        self._deeds: list[tuple[float, int, int, Deed]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> datetime:
        """The API server's clock, in whole seconds as its `Date` header."""
        return (self.start + timedelta(seconds=self.seconds + self.jumped)).replace(microsecond=0)

    def at(self, seconds: float) -> datetime:
        """The moment so many seconds after the start, by the API server's clock as it was then."""
        return self.start + timedelta(seconds=seconds)

    def after(self, seconds: float, deed: Deed, order: Order = Order.WORLD) -> None:
        """Do this so many seconds from now."""
        heapq.heappush(self._deeds, (self.seconds + seconds, order, next(self._numbers), deed))

    async def run(self, until: float) -> None:
        """Do everything that is due up to `until`, in order."""
        while self._deeds and self._deeds[0][0] <= until:
            self.seconds, _, _, deed = heapq.heappop(self._deeds)
            await deed()
        self.seconds = until
