"""Locket: the lock that only one BBS holds (after locket:handlers, locket:lock/lock.go)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulator.database import Connection, DatabaseRefusedError, wait_for_ever

LOCKET_PORT = 8891


class LocketGoneError(Exception):
    """The call to Locket failed: nothing answers there, it ended while the call waited, or its database refuses."""


@dataclass(frozen=True, slots=True)
class Held:
    """A row of Locket's table: who has the lock, and until when (loop seconds)."""

    owner: str
    until: float


class LockTable:
    """The lock as it stands in the database. It survives every Locket process."""

    def __init__(self, now: Callable[[], float], ttl: float) -> None:
        self.held: Held | None = None
        self._now = now
        self._ttl = ttl

    def take(self, owner: str) -> bool:
        """Take or renew the lock; False while somebody else holds it and its time is not over."""
        if self.held is not None and self.held.owner != owner and self.held.until > self._now():
            return False
        self.held = Held(owner, self._now() + self._ttl)
        return True

    def release(self, owner: str) -> None:
        """Give the lock back, if it is the owner's."""
        if self.held is not None and self.held.owner == owner:
            self.held = None


class Locket:
    """One Locket process: a database connection of its own, on which it may hang for ever.

    `calls_end_with_it` says whether a caller notices its end. With TCP it does; without (its host vanished, and gRPC
    had no keep-alive) the caller waits on.
    """

    def __init__(self, table: LockTable, connection: Connection, *, calls_end_with_it: bool = True) -> None:
        self._table = table
        self._connection = connection
        self._ended = asyncio.Event()
        self._calls_end_with_it = calls_end_with_it

    async def lock(self, owner: str) -> bool:
        """Take or renew the lock for `owner`; False if somebody else has it. Has no timeout of its own.

        LocketGoneError if the call fails.
        """
        await self._query()
        return self._table.take(owner)

    async def release(self, owner: str) -> None:
        """Give the lock back. LocketGoneError if the call fails."""
        await self._query()
        self._table.release(owner)

    def hang(self) -> None:
        """Lose the database connection in silence."""
        self._connection.die()

    @property
    def is_hung(self) -> bool:
        """Whether its database connection is dead, so that it answers nobody any more."""
        return self._connection.is_dead

    def end(self) -> None:
        """End the process."""
        self._ended.set()

    async def _query(self) -> None:
        if self._ended.is_set():
            raise LocketGoneError
        try:
            answered = await _unless(self._connection.use(), self._ended)
        except DatabaseRefusedError as error:
            raise LocketGoneError from error
        if not answered:
            if not self._calls_end_with_it:
                await wait_for_ever()
            raise LocketGoneError


async def _unless(work: Awaitable[None], ended: asyncio.Event) -> bool:
    """Do the work; False if `ended` came first."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            return False
        tasks[0].result()
        return True
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
