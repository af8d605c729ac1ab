"""Listens for HTTP: where, how securely, and with a stop that finishes what runs."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from aiohttp import web

from stagekeeper.service.address import ListenAddress
from stagekeeper.service.basic_auth import web_config_middleware
from stagekeeper.service.http_guard import GuardedServer, Limits
from stagekeeper.service.problems import StartProblem
from stagekeeper.service.web_config import WebConfigFile

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_DEFAULT_LIMITS = Limits()
_FIRST_FREE_PORT = 1024


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
    """Serve `app` on every address until the block ends; raise `StartProblem` if one cannot be had.

    TLS, basic authentication and headers of `web_config` are applied here, so that no program can forget them. At the
    end no connection is accepted any more, idle ones are closed, and requests that run have `grace` seconds to finish.
    """
    if web_config is not None:
        _secure(app, web_config)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, shutdown_timeout=grace)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        factory = _factory(runner, limits, web_config)
        context = None if web_config is None else web_config.listening_context
        urls: list[str] = []
        for address in addresses:
            server = await _bind(factory, address, context, limits)
            stack.callback(server.close)
            urls += _urls(server, "http" if context is None else "https")
        _log.info("Listening.", urls=urls)
        yield Listening(tuple(urls))


def _secure(app: web.Application, web_config: WebConfigFile) -> None:
    """Add authentication and headers; the last middleware, so that one for bearer tokens has had its say."""
    app.middlewares.append(web_config_middleware(web_config))

    async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(web_config.current().headers)

    app.on_response_prepare.append(add_headers)


def _factory(runner: web.AppRunner, limits: Limits, web_config: WebConfigFile | None) -> GuardedServer:
    if runner.server is None:
        raise RuntimeError("the runner must be set up before its server is used")
    return GuardedServer(runner.server, limits, _nothing if web_config is None else web_config.current)


def _nothing() -> None:
    """Nothing follows its files where there is no web configuration."""


async def _bind(
    factory: GuardedServer, address: ListenAddress, context: ssl.SSLContext | None, limits: Limits
) -> asyncio.Server:
    handshake = None if context is None else limits.handshake_seconds
    try:
        return await asyncio.get_running_loop().create_server(
            factory,
            address.host,
            address.port,
            ssl=context,
            ssl_handshake_timeout=handshake,
            ssl_shutdown_timeout=handshake,
        )
    except OSError as error:
        raise StartProblem(f"Cannot listen on {address}: {_why(error, address)}") from error


def _why(error: OSError, address: ListenAddress) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name {address.host!r} cannot be resolved ({error.strerror})."
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; stop the program that has it, or choose another one with --web.listen-address."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"permission denied; choose a port from {_FIRST_FREE_PORT} on with --web.listen-address."
    if error.errno == errno.EADDRNOTAVAIL:
        return "no interface of this machine has that address; choose another one with --web.listen-address."
    return f"{error.strerror or error}."


def _urls(server: asyncio.Server, scheme: str) -> list[str]:
    names = [listener.getsockname() for listener in server.sockets]
    return [f"{scheme}://{f'[{name[0]}]' if ':' in name[0] else name[0]}:{name[1]}" for name in names]
