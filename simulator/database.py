"""The SQL database behind Diego, reduced to what the fault is made of: connections that die in silence.

A path that is cut without a reset leaves both ends believing in their connections. After a short cut TCP sends again
and all is well; after a long one they are dead, and nobody tells the client, which had no timeout (domain.md 4).
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn


class DatabaseRefusedError(Exception):
    """The database is down and says so at once: connection refused."""


class Path(StrEnum):
    """The way to the database."""

    OPEN = "open"
    CUT = "cut"
    REFUSED = "refused"


class Database:
    """The database and the way to it. Times in seconds of `now`; `patience` is how long a cut connections survive."""

    def __init__(self, now: Callable[[], float], patience: float) -> None:
        self.path = Path.OPEN
        self._now = now
        self._patience = patience
        self._cut_at = 0.0
        self._epoch = 0
        self._changed = asyncio.Event()

    def connect(self) -> "Connection":
        """Open a connection. It is only tried when it is used."""
        return Connection(self)

    def cut(self) -> None:
        """Lose every packet from now on."""
        self._cut_at = self._now()
        self._set(Path.CUT)

    def refuse(self) -> None:
        """Stop the database: its host answers with resets."""
        self._set(Path.REFUSED)

    def restore(self) -> None:
        """Let packets through again; connections that were cut for too long stay dead for ever."""
        if self.path is Path.CUT and self._now() - self._cut_at >= self._patience:
            self._epoch += 1
        self._set(Path.OPEN)

    def is_dead(self, epoch: int) -> bool:
        """Whether connections opened in this epoch are dead."""
        return epoch < self._epoch

    @property
    def epoch(self) -> int:
        """How often connections have died so far."""
        return self._epoch

    async def change(self) -> None:
        """Wait until the path changes."""
        await self._changed.wait()

    def _set(self, path: Path) -> None:
        self.path = path
        self._changed.set()
        self._changed = asyncio.Event()


class Connection:
    """One connection, as the process that opened it holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch = database.epoch
        self._killed = asyncio.Event()

    def die(self) -> None:
        """Make this one connection dead, and only this one."""
        self._killed.set()

    @property
    def is_dead(self) -> bool:
        """Whether nothing will ever be answered over it."""
        return self._killed.is_set() or self._database.is_dead(self._epoch)

    async def use(self) -> None:
        """Make one query: returns once it was answered, which for a dead connection is never.

        DatabaseRefusedError if the database is down.
        """
        while True:
            if self.is_dead:
                await wait_for_ever()
            if self._database.path is Path.OPEN:
                return
            if self._database.path is Path.REFUSED:
                raise DatabaseRefusedError
            await self._database.change()


async def wait_for_ever() -> NoReturn:
    """Wait for what never comes; only cancellation ends it."""
    while True:
        await asyncio.Event().wait()
