"""Listens for HTTP: where, how securely, and with a stop that finishes what runs.

Connections are accepted here and not by `loop.create_server`: asyncio counts none that still shakes hands, and a
process that has no descriptor left logs a traceback a hundred times a second.
"""

import asyncio
import errno
import gc
import resource
import socket
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from stagekeeper.config.errors import StartError
from stagekeeper.service.address import ListenAddress
from stagekeeper.service.basic_auth import web_config_middleware
from stagekeeper.service.connections import Connection, Connections, Limits
from stagekeeper.service.http_guard import GuardedConnection, Shared, guard
from stagekeeper.service.origin import refused_requests, same_origin
from stagekeeper.service.seldom import Seldom
from stagekeeper.service.shares import fair_shares
from stagekeeper.service.web_config import WebConfigFile

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_DEFAULT_LIMITS = Limits()
_TLS_BUFFER = 16 * 1024
"""Bytes, the longest record of TLS. asyncio takes 256 KiB for each connection, also before anything was said on it."""
_COLLECT_AFTER = 256
"""Connections with TLS until the garbage is collected: what each leaves behind, 70 KiB, hangs together in a circle."""
_FIRST_FREE_PORT = 1024
_BACKLOG = 1024
"""Connections that the kernel keeps for us while we are busy. Whoever comes when it is full tries again after 1 s."""
_TURNS_UNTIL_HEARD = 8
"""Turns of the loop, amply, until the request of a connection that was accepted is at work."""
_ACCEPT_AGAIN = 0.2
"""Seconds until a connection is accepted again after that failed, as it does without a free descriptor."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a program listens, as URLs: with port 0 this is how to learn the port."""

    urls: tuple[str, ...]


@asynccontextmanager
async def serving(
    app: web.Application,
    addresses: Sequence[ListenAddress],
    *,
    web_config: WebConfigFile | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    grace: float = 20.0,
) -> AsyncIterator[Listening]:
    """Serve `app` on every address until the block ends. Raises `StartError` if one can't be had.

    What holds for every program is applied here, so that none can forget it: TLS, basic authentication and headers of
    `web_config`, what is refused whatever it asks for, and that no web page makes a browser change something. At the
    end no connection is accepted any more, idle ones are closed, and requests that run have `grace` seconds to finish.
    """
    _secure(app, web_config)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, shutdown_timeout=grace)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        if runner.server is None:
            raise RuntimeError("the runner must be set up before its server is used")
        entrance = _Entrance(runner.server, limits.within(_descriptors()), web_config)
        stack.push_async_callback(entrance.close)
        for address in addresses:
            for listening in await _bound(address):
                entrance.open(listening)
        urls = entrance.urls
        _log.info("Listening.", urls=urls)
        yield Listening(tuple(urls))


def _secure(app: web.Application, web_config: WebConfigFile | None) -> None:
    """Add what holds for every request; authentication after that for bearer tokens, which may spare it."""
    app.middlewares.insert(0, refused_requests)
    if web_config is not None:
        app.middlewares.append(web_config_middleware(web_config))

        async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(web_config.current().headers)

        app.on_response_prepare.append(add_headers)
    app.middlewares.append(same_origin)
    app.middlewares.append(fair_shares())


def _descriptors() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**20 if soft == resource.RLIM_INFINITY else soft


class _Entrance:
    """Accepts connections on any number of sockets, and gives each its place."""

    def __init__(self, server: web.Server, limits: Limits, web_config: WebConfigFile | None) -> None:
        guard(server)
        self._server = server
        self._limits = limits
        self._connections = Connections(limits)
        self._shared = Shared(limits, self._connections)
        self._tls: ssl.SSLContext | None = None if web_config is None else web_config.listening_context
        self._at_accept: Callable[[], object] = (lambda: None) if web_config is None else web_config.current
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted = 0
        self._warn = Seldom(_log, "Connections can't be accepted.")
        sslproto.SSLProtocol.max_size = _TLS_BUFFER

    @property
    def urls(self) -> list[str]:
        scheme = "http" if self._tls is None else "https"
        names = [listening.getsockname() for listening in self._sockets]
        return [f"{scheme}://{f'[{name[0]}]' if ':' in name[0] else name[0]}:{name[1]}" for name in names]

    def open(self, listening: socket.socket) -> None:
        """Accept connections on a socket that is bound, from now on."""
        listening.listen(_BACKLOG)
        self._sockets.append(listening)
        self._watch(listening)

    async def close(self) -> None:
        """Accept no more. Connections that still shake hands are given up, the others are left as they are."""
        sockets, self._sockets = self._sockets, []
        for listening in sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        await asyncio.sleep(0)  # a task that never began could not close its connection
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _watch(self, listening: socket.socket) -> None:
        if listening in self._sockets:  # else it was closed in the meantime
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Accept a few connections. If there are more, the loop calls again, after all others had their turn.

        One at a time would let whoever fills the queue before us decide how long kubelet waits in it. Many at a time
        would end those just accepted for those after them, before they are heard.
        """
        for _ in range(max(1, self._limits.per_caller // _TURNS_UNTIL_HEARD)):
            if not self._accept_one(listening):
                return

    def _accept_one(self, listening: socket.socket) -> bool:
        """Accept one connection; False if there is none for now."""
        try:
            accepted, address = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as problem:  # most likely no descriptor is left, and the socket stays readable
            self._warn(reason=problem.strerror)
            self._connections.make_room()
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            loop.call_later(_ACCEPT_AGAIN, self._watch, listening)
            return False
        accepted.setblocking(False)  # noqa: FBT003 -- the name of the parameter is "flag"
        self._at_accept()
        self._accepted += 1
        if self._tls is not None and self._accepted % _COLLECT_AFTER == 0:
            gc.collect()
        place = self._connections.admit(address[0])
        task = asyncio.create_task(self._welcome(accepted, place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        place.end = task.cancel
        return True

    async def _welcome(self, accepted: socket.socket, place: Connection) -> None:
        handshake = None if self._tls is None else self._limits.handshake_seconds
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: GuardedConnection(self._server, self._shared, place),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=handshake,
                ssl_shutdown_timeout=handshake,
            )
        except OSError:  # the caller's TLS, or the caller has gone; ssl.SSLError is one too
            self._connections.left(place)
        except asyncio.CancelledError:
            self._connections.left(place)
            raise


async def _bound(address: ListenAddress) -> list[socket.socket]:
    """Sockets that are bound to `address`, one for each IP address that it means. Raises `StartError`."""
    found: list[socket.socket] = []
    try:
        for family, name in await _resolved(address):
            found.append(socket.socket(family, socket.SOCK_STREAM))
            found[-1].setblocking(False)  # noqa: FBT003 -- the name of the parameter is "flag"
            found[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # 0.0.0.0 has a socket of its own
                found[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            found[-1].bind(name)
    except OSError as problem:
        for each in found:
            each.close()
        raise StartError(f"Can't listen on {address}: {_why(problem, address)}") from problem
    return found


async def _resolved(address: ListenAddress) -> list[tuple[int, Any]]:
    """Families and socket addresses, each once; IPv6 only where this machine has it."""
    infos = await asyncio.get_running_loop().getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return [each for each in dict.fromkeys((family, name) for family, _, _, _, name in infos) if _has(each[0])]


def _has(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError as problem:
        return problem.errno != errno.EAFNOSUPPORT
    return True


def _why(problem: OSError, address: ListenAddress) -> str:
    if isinstance(problem, socket.gaierror):
        return f"the host name {address.host!r} can't be resolved ({problem.strerror})."
    if problem.errno == errno.EADDRINUSE:
        return "the port is in use; stop the program that has it, or choose another one with --web.listen-address."
    if problem.errno in (errno.EACCES, errno.EPERM):
        return f"permission denied; choose a port from {_FIRST_FREE_PORT} on with --web.listen-address."
    if problem.errno == errno.EADDRNOTAVAIL:
        return "no interface of this machine has that address; choose another one with --web.listen-address."
    return f"{problem.strerror or problem}."
