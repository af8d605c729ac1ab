"""What a BBS process stands on, and how it is told to misbehave. In this process or over a socket (remote.py)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Mode(StrEnum):
    """How an active BBS behaves on the wire."""

    SERVING = "serving"
    UNAVAILABLE = "unavailable"
    """503 on every route: migrations, or dead database connections."""
    FROZEN = "frozen"
    """Accepts, then says nothing."""
    EXPIRED = "expired"
    """Shows an expired certificate."""


@dataclass(frozen=True, slots=True)
class LockAnswer:
    """What Locket said to `lock`, and how the BBS shall behave while it holds it."""

    granted: bool
    mode: Mode = Mode.SERVING


class Backend(Protocol):
    """The database and the Locket of one BBS process."""

    async def ping_database(self) -> None:
        """Make the ping of the start; may never return. DatabaseRefusedError if the database is down."""

    async def lock(self, owner: str) -> LockAnswer:
        """Take or renew the lock; may never return. LocketGoneError if the call fails."""
        ...

    async def release(self, owner: str) -> None:
        """Give the lock back; may never return. LocketGoneError if the call fails."""
