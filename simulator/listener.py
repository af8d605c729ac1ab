"""TCP listeners that leave nothing behind, and one that nobody can reach."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_BLACK_HOLE_FILLERS = 2
_STEPS_TO_ACCEPT = 4
"""Turns of the event loop that asyncio takes from the kernel's accept to telling us."""


class Listener:
    """A TCP server that owns its connections: after `close` no task and no socket of it is left."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, host: str, port: int, handler: Handler) -> Self:
        """Listen; OSError if the address is taken."""
        listener = cls(handler)
        listener._server = server = await asyncio.start_server(listener._accept, host, port, start_serving=False)
        try:
            await server.start_serving()
        except asyncio.CancelledError:  # whoever opens it may end meanwhile
            await listener.close()
            raise
        return listener

    async def close(self) -> None:
        """Stop listening and cut every connection, also one that is just being accepted."""
        if self._server is not None:
            await _end_accepting(self._server)
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # A task that is cancelled before it began has no `finally`.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, ssl.SSLError):
            await self._handler(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _end_accepting(server: asyncio.Server) -> None:
    """Accept nobody else, and wait for who is being accepted: `Server.close` would leak that connection's socket."""
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(_STEPS_TO_ACCEPT):
        await asyncio.sleep(0)


async def accept_and_wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing to a client until it goes: a frozen process, or a port of which only the accept counts."""
    while await reader.read(65536):
        pass


class BlackHole:
    """An address where connections time out: nobody accepts, and the queue is full, so the kernel drops each SYN."""

    def __init__(self, host: str, port: int) -> None:
        self._sockets = [_listen(host, port)]
        for _ in range(_BLACK_HOLE_FILLERS):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 - the library's own signature
            self._sockets.append(filler)
            filler.connect_ex((host, port))

    def close(self) -> None:
        """Let connections be refused again."""
        for each in self._sockets:
            each.close()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(0)
    return listening


async def accepts(host: str, port: int) -> bool:
    """Whether somebody accepts a TCP connection there within a second, as `nc -z` asks."""
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
