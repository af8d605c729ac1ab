"""What aiohttp's server lacks: a time for a request's headers, a time for a whole request, a bound on connections.

aiohttp 3.14 closes a connection only after it was idle for the keep-alive time, which has to be longer than a scrape
interval. A caller that sends its headers a byte at a time, or never reads its answer, could hold a connection for that
long, or for ever. Here each connection has a timer as well: for the headers, from the opening of the connection or the
first byte of a later request; then for the request, until its answer is written.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_LAST_WORDS = 1.0  # seconds for a cancelled request to clean up


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener grants its callers; times in seconds, lengths in bytes.

    Header time: ten times what a slow network needs. Request time: twice the longest scrape timeout in use. Keep-alive:
    longer than Prometheus' default interval of 60 s, so that a scrape finds its connection open.
    """

    handshake_seconds: float = 10.0
    header_seconds: float = 10.0
    request_seconds: float = 120.0
    keepalive_seconds: float = 75.0
    line_bytes: int = 8190
    field_bytes: int = 8190
    headers: int = 64
    connections: int = 256


class GuardedServer:
    """The protocol factory of a listener: guarded connections, up to the limit; `at_accept` is called for each."""

    def __init__(self, server: web.Server, limits: Limits, at_accept: Callable[[], object]) -> None:
        self._server = server
        self._limits = limits
        self._at_accept = at_accept
        server.request_factory = _telling_its_connection(server.request_factory)

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of a connection that was just accepted."""
        self._at_accept()
        if len(self._server.connections) >= self._limits.connections:
            return _Refusal()
        return _GuardedConnection(self._server, self._limits)


class _GuardedConnection(web.RequestHandler):
    def __init__(self, server: web.Server, limits: Limits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.keepalive_seconds,
            access_log=None,  # type: ignore[arg-type]  # the documented way to turn it off
            max_line_size=limits.line_bytes,
            max_field_size=limits.field_bytes,
            max_headers=limits.headers,
        )
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._at_work: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._timer is None:
            self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._at_work is None:  # the time of a request goes on running when its caller has gone
            self._clear_timer()
        super().connection_lost(exc)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Let the request that runs finish for `timeout` seconds, then cancel it.

        aiohttp forgets the task of a caller that has gone; no task may outlive its listener.
        """
        await super().shutdown(timeout)
        if self._at_work is not None and not self._at_work.done():
            self._at_work.cancel()
            await asyncio.wait({self._at_work}, timeout=_LAST_WORDS)

    def request_started(self, task: asyncio.Task[None]) -> None:
        self._at_work = task
        self._set_timer(self._limits.request_seconds, lambda: self._give_up_on(task))

    async def finish_response(self, *args: Any) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(*args)
        finally:
            self._at_work = None
            self._clear_timer()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer without a traceback in the log when the caller is at fault: anybody could fill the log."""
        if status >= 500:  # noqa: PLR2004 - HTTP's own number
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, text="Bad request.\n")
        response.force_close()
        return response

    def _expect_headers(self) -> None:
        self._set_timer(self._limits.header_seconds, self._abort)

    def _give_up_on(self, task: asyncio.Task[None]) -> None:
        if task.done():
            return
        _log.warning("A request took too long and was given up.", seconds=self._limits.request_seconds)
        self._abort()
        task.cancel()

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


def _telling_its_connection(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """Wrap aiohttp's request factory, which is called when the headers of a request are complete."""

    def factory(
        message: Any, payload: Any, protocol: web.RequestHandler, writer: Any, task: asyncio.Task[None]
    ) -> web.BaseRequest:
        if isinstance(protocol, _GuardedConnection):
            protocol.request_started(task)
        return make(message, payload, protocol, writer, task)

    return factory


class _Refusal(asyncio.Protocol):
    """A connection beyond the limit: told so, and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            transport.close()
