"""Listeners that treat a probe well or badly, byte by byte, on loopback addresses."""

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trustme

from stagekeeper.diego.profiles import ActiveLabel, Environment, TlsFiles

PONG = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/x-protobuf\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n\r\n\x08\x01"
)
NAME = "diego-api"

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Certificates:
    """One CA, and the files of a client that it trusts."""

    ca: trustme.CA
    client: TlsFiles

    def server(self, *, name: str = NAME, ends: dt.datetime | None = None) -> ssl.SSLContext:
        """A BBS's TLS: its own certificate, and a client certificate of the same CA required."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        begins = ends - dt.timedelta(days=30) if ends else None
        self.ca.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def certificates(folder: Path) -> Certificates:
    """A new CA with a client certificate, written below `folder`."""
    ca = trustme.CA()
    return Certificates(ca, write_client(ca, folder))


def write_client(ca: trustme.CA, folder: Path) -> TlsFiles:
    """A client certificate of `ca` as three files below `folder`, named as in a Kubernetes Secret."""
    folder.mkdir(parents=True, exist_ok=True)
    files = TlsFiles(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    leaf = ca.issue_cert("client")
    ca.cert_pem.write_to_path(files.ca_file)
    leaf.cert_chain_pems[0].write_to_path(files.cert_file)
    leaf.private_key_pem.write_to_path(files.key_file)
    return files


def environment(port: int, tls: TlsFiles | None = None) -> Environment:
    """An environment whose BBS port is `port`."""
    plain = Environment(
        name="cf",
        profile="custom",
        namespace="cf",
        statefulsets=("diego-api",),
        selector="skiff-role-name=diego-api",
        service_host="127.0.0.1",
        service_name="diego-api",
        active_label=ActiveLabel("skiff-role-active", "true"),
        port=port,
        tls_server_name=NAME,
    )
    return replace(plain, tls=tls)


@asynccontextmanager
async def listening(
    conversation: Conversation, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A server that holds `conversation` with whoever connects; yields its port and leaves nothing behind."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            # Only `listening` cancels a talk, and asyncio's callback would complain of a cancelled one.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await conversation(reader, writer)
        finally:
            writer.transport.abort()
            talks.discard(task)

    server = await asyncio.start_server(talk, host, 0, ssl=tls, ssl_handshake_timeout=5 if tls else None)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


def answering(answer: bytes) -> Conversation:
    """Read one request, then say `answer` and hang up."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return converse


def answering_then_silent(answer: bytes) -> Conversation:
    """Read one request, say `answer`, then hold the line."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()

    return converse


def one_after_the_other(*conversations: Conversation) -> Conversation:
    """Hold the first conversation with whoever connects first, and so on."""
    waiting = [*conversations]

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waiting.pop(0)(reader, writer)

    return converse


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Listen to everything and say nothing."""
    while await reader.read(65_536):
        pass


async def hanging_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close at once."""
    writer.close()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a good answer whose body never ends."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\r\n")
    while True:
        writer.write(b"\x08\x01" * 2048)
        await writer.drain()


@contextmanager
def refusing_our_certificate(tls: ssl.SSLContext) -> Iterator[int]:
    """A blocking TLS server, which sends OpenSSL's alert as a BBS does; asyncio's only hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(ssl.SSLError):
                    tls.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # ends accept()
            thread.join(10)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose SYNs get no answer: a listening socket that nobody accepts from, its backlog full."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(16):
            waiting = sockets.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            raise AssertionError("This system accepts connections beyond a full backlog.")
        yield listener.getsockname()[1]
