"""Whose password is checked next, where checking takes long and anybody may ask for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many at once; callers in turns, so that none can keep another waiting; of each caller the newest first.

    Who is `hopeless` (known to be wrong, and checked only so that nobody learns that from the time it takes) comes
    after all others, one at a time. Newest first: of a flood of guesses most are worth nothing, and whoever comes
    after it is served next. That holds as long as no guess comes after him, so whoever has guessed wrong hears of it
    only when his caller has nobody waiting any more (`quiet`), and guesses again no sooner.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running = 0
        self._hopeless_running = 0
        self._hopeful: _Queue = {}
        self._hopeless: _Queue = {}
        self._quiet: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, caller: str, *, hopeless: bool) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._hopeless if hopeless else self._hopeful
        queue.setdefault(caller, []).append(mine)
        self._begin_next()
        try:
            await mine
            yield
        finally:
            if mine.done() and not mine.cancelled():
                self._running -= 1
                self._hopeless_running -= hopeless
            else:
                _give_up(queue, caller, mine)
            self._begin_next()

    async def quiet(self, caller: str) -> None:
        """Wait until none of the caller's waits for a turn."""
        while self._waits(caller):
            await self._quiet.setdefault(caller, asyncio.Event()).wait()

    def _waits(self, caller: str) -> bool:
        return caller in self._hopeful or caller in self._hopeless

    def _begin_next(self) -> None:
        while self._running < self._at_once and _begin(self._hopeful):
            self._running += 1
        if self._running < self._at_once and not self._hopeless_running and _begin(self._hopeless):
            self._running += 1
            self._hopeless_running += 1
        for caller in [each for each in self._quiet if not self._waits(each)]:
            self._quiet.pop(caller).set()


_Queue = dict[str, list[asyncio.Future[None]]]
"""Those who wait, by caller; the caller whose turn it is comes first."""


def _begin(queue: _Queue) -> bool:
    """Give the turn to the newest of the caller whose turn it is; False if nobody waits any more."""
    while queue:
        caller = next(iter(queue))
        waiting = queue.pop(caller)
        newest = waiting.pop()
        if waiting:
            queue[caller] = waiting
        if not newest.done():  # else it was cancelled just now
            newest.set_result(None)
            return True
    return False


def _give_up(queue: _Queue, caller: str, mine: asyncio.Future[None]) -> None:
    waiting = queue.get(caller, [])
    if mine in waiting:
        waiting.remove(mine)
    if not waiting:
        queue.pop(caller, None)
