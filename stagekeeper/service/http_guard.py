"""What aiohttp's server lacks: a time for a request's headers, a time for a whole request, a place to give up.

aiohttp 3.14 closes a connection only after it was idle for the keep-alive time, which has to be longer than a scrape
interval. A caller that sends its headers a byte at a time, or never reads its answer, could hold a connection for that
long, or for ever. Here each connection has a timer as well: for the headers, from the opening of the connection or the
first byte of a later request; then for the request, until its answer is written.

Nothing is unpacked here (`auto_decompress=False`): aiohttp would do it for every path, before anybody has said who he
is, and 2 MB unpack to 2 GB. Who expects a body reads it with `body.read_body`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web

from stagekeeper.service.connections import Connection, Connections, Limits
from stagekeeper.service.health import OPEN_PATHS
from stagekeeper.service.seldom import Faults

REFUSAL = web.RequestKey("refusal", web.Response)
"""The answer to a request that is refused for what it is, whatever it asks for."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_LAST_WORDS = 1.0
"""Seconds for a cancelled request to clean up."""
_LINGERING = 2.0
"""Seconds in which the rest of a body that nobody wants is read and dropped, so that its sender reads the answer."""
_READ_AHEAD = 16 * 1024
"""Bytes of a connection that are kept until somebody reads them."""
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a program have in common."""

    limits: Limits
    connections: Connections
    faults: Faults = field(default_factory=lambda: Faults(_log, "A request could not be answered: unexpected error."))


class GuardedConnection(web.RequestHandler):
    """One connection, with its timers and its place among the others."""

    def __init__(self, server: web.Server, shared: Shared, place: Connection) -> None:
        limits = shared.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.keepalive_seconds,
            access_log=None,  # type: ignore[arg-type]  # the documented way to turn it off
            max_line_size=limits.line_bytes,
            max_field_size=limits.field_bytes,
            max_headers=limits.headers,
            lingering_time=_LINGERING,
            read_bufsize=_READ_AHEAD,
            auto_decompress=False,
        )
        self._limits = limits
        self._connections = shared.connections
        self._faults = shared.faults
        self._place = place
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._at_work = False
        self._unproven = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The time for the first headers begins."""
        super().connection_made(transport)
        self._place.end = self._end
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Bytes have come; the first of a request begin its time."""
        super().data_received(data)
        if self._timer is None:
            self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended, on whichever side."""
        self._connections.left(self._place)
        if not self._at_work:  # the time of a request goes on running when its caller has gone
            self._clear_timer()
        if self._task is not None and (self._unproven or not self._at_work):
            self._task.cancel()
        super().connection_lost(exc)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Let the request that runs finish for `timeout` seconds, then cancel it.

        aiohttp forgets the task of a caller that has gone; no task may outlive its listener.
        """
        await super().shutdown(timeout)
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_LAST_WORDS)

    def request_started(self, task: asyncio.Task[None]) -> None:
        """The headers of a request are complete; `task` is what answers it."""
        self._task, self._at_work = task, True
        self._connections.working(self._place)
        self._set_timer(self._limits.request_seconds, lambda: self._give_up_on(task))

    @contextmanager
    def unproven(self) -> Iterator[None]:
        """While it is not known who sends the request that is at work: it gives way, and ends with its connection."""
        self._unproven = True
        self._connections.idle(self._place)
        try:
            yield
        finally:
            self._unproven = False
            self._connections.working(self._place)

    @property
    def caller(self) -> str:
        """Who has connected, as the connections are counted."""
        return self._place.caller

    def refusal(self, message: Any) -> web.Response | None:
        """The answer to a request whose headers are enough to refuse it; None for any other."""
        if message.version not in (HttpVersion10, HttpVersion11):
            return _final(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.\n")
        if message.version == HttpVersion11 and "Host" not in message.headers:
            return _final(400, "A request of HTTP/1.1 needs a Host.\n")
        if self._place.health_only and message.url.path not in OPEN_PATHS:
            return _final(503, "Too many connections; only questions under /-/ are answered for now.\n")
        return None

    async def finish_response(self, request: Any, resp: Any, start_time: Any) -> tuple[web.StreamResponse, bool]:
        """Write the answer; with it the time of the request ends. Whoever does not read it gives way to others."""
        self._connections.idle(self._place)
        try:
            if self._place.health_only and isinstance(resp, web.StreamResponse):
                resp.force_close()
            return await super().finish_response(request, resp, start_time)
        finally:
            self._at_work = False
            self._clear_timer()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer without a traceback in the log when the caller is at fault: anybody could fill the log."""
        if status >= _SERVER_FAULT:
            return super().handle_error(request, status, exc, message)
        return _final(400, "Bad request.\n")

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a fault of ours, which whoever has found it could repeat as often as he likes."""
        fault = kw.get("exc_info")
        if isinstance(fault, BaseException):
            self._faults(fault, peer=self._place.caller)
        else:
            super().log_exception(*args, **kw)

    def _expect_headers(self) -> None:
        limits = self._limits
        self._set_timer(limits.health_seconds if self._place.health_only else limits.header_seconds, self._abort)

    def _give_up_on(self, task: asyncio.Task[None]) -> None:
        if task.done():
            return
        _log.warning("A request took too long and was given up.", seconds=self._limits.request_seconds)
        self._abort()
        task.cancel()

    def _end(self) -> None:
        self._abort()
        if self._task is not None:
            self._task.cancel()

    def _abort(self) -> None:
        self._timer = None
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _set_timer(self, seconds: float, act: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, act)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def unproven(request: web.Request) -> AbstractContextManager[None]:
    """To be entered while `request` waits for the proof of who sends it, so that newer ones have its place."""
    protocol = request.protocol
    return protocol.unproven() if isinstance(protocol, GuardedConnection) else nullcontext()


def guard(server: web.Server) -> None:
    """Have the connections of `server` told when the headers of a request are complete.

    aiohttp calls its request factory then: the one place where message, connection and task are known together.
    """
    make: Callable[..., web.BaseRequest] = server.request_factory

    def factory(
        message: Any, payload: Any, protocol: web.RequestHandler, writer: Any, task: asyncio.Task[None]
    ) -> web.BaseRequest:
        if not isinstance(protocol, GuardedConnection):
            return make(message, payload, protocol, writer, task)
        protocol.request_started(task)
        refusal = protocol.refusal(message)
        if refusal is None:
            return make(message, payload, protocol, writer, task)
        spoken = message._replace(version=HttpVersion10, should_close=True)
        request = make(spoken, payload, protocol, writer, task)
        request[REFUSAL] = refusal
        return request

    server.request_factory = factory


def _final(status: int, text: str) -> web.Response:
    response = web.Response(status=status, text=text)
    response.force_close()
    return response
