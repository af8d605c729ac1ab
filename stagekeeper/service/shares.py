"""Of each caller a few requests are at work, and the others wait: who asks for much is answered after all others.

A page takes milliseconds of the only thread. Hundreds of connections that all ask at once would have them all, one
after the other, before anybody else is even accepted.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stagekeeper.service.auth import AUTHENTICATED
from stagekeeper.service.health import OPEN_PATHS
from stagekeeper.service.http_guard import GuardedConnection

_EACH = 4
"""Requests of one caller at work: more than Prometheus and a person's browser have."""


class Shares:
    """So many at once of each caller. Of those who wait the newest comes first: the oldest may have given up."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._running: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    async def begin(self, caller: str) -> None:
        """Wait until fewer of the caller's are at work; to be followed by `end`."""
        if self._running.get(caller, 0) < self._each:
            self._running[caller] = self._running.get(caller, 0) + 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, []).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was given a place just now
                self.end(caller)
            raise

    def end(self, caller: str) -> None:
        """One of the caller's has ended: the next one begins."""
        waiting = self._waiting.pop(caller, [])
        while waiting:
            newest = waiting.pop()
            if not newest.done():  # else it was cancelled
                newest.set_result(None)
                self._running[caller] += 1
                break
        if waiting:
            self._waiting[caller] = waiting
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]

    @asynccontextmanager
    async def share(self, connection: GuardedConnection) -> AsyncIterator[None]:
        """Be at work until the block ends; a connection that waits for that gives way to others."""
        caller = connection.caller
        with connection.unproven():
            await self.begin(caller)
        try:
            await asyncio.sleep(0)  # else one that never waits would be over before the next is counted
            yield
        finally:
            self.end(caller)


def fair_shares() -> Middleware:
    """A middleware that gives each caller a share. Who has proved who he is waits for nobody, nor does kubelet."""
    shares = Shares(_EACH)

    @web.middleware
    async def take_a_share(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        if request.path in OPEN_PATHS or AUTHENTICATED in request or not isinstance(connection, GuardedConnection):
            return await handler(request)
        async with shares.share(connection):
            return await handler(request)

    return take_a_share
