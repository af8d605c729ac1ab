"""The BBS's HTTP: bytes in, bytes out, as measured on the real one (domain.md 3)."""

import asyncio
from datetime import UTC, datetime
from http import HTTPMethod, HTTPStatus
from typing import Protocol

import h11

from simulator.clock import http_date

PING_PATH = "/v1/ping"
DOMAINS_PATH = "/v1/domains/list"
PING_ANSWER = b"\x08\x01"
_PROTOBUF = "application/x-protobuf"
_CF_APPS = b"\x12\x07cf-apps"


class Stream(Protocol):
    """A connection, with or without TLS."""

    async def read(self) -> bytes:
        """Read what has come; empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send everything."""


class PlainStream:
    """A connection without TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Read what has come; empty at the end."""
        return await self._reader.read(65536)

    async def write(self, data: bytes) -> None:
        """Send everything."""
        self._writer.write(data)
        await self._writer.drain()


Answer = tuple[int, str, bytes]
"""Status, content type (empty: none is sent), body."""


def bbs_answer(method: str, path: str, *, available: bool) -> Answer:
    """What the BBS answers on 8889."""
    if not available:
        return HTTPStatus.SERVICE_UNAVAILABLE, "", b""
    if path not in {PING_PATH, DOMAINS_PATH}:
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"404 page not found\n"
    if method != HTTPMethod.POST:
        return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", b"Method Not Allowed\n"
    if path == PING_PATH:
        return HTTPStatus.OK, _PROTOBUF, PING_ANSWER
    return HTTPStatus.OK, _PROTOBUF, _CF_APPS


def health_answer(_method: str, _path: str) -> Answer:
    """What the health port 8890 answers, active or passive."""
    return HTTPStatus.OK, "text/plain; charset=utf-8", b""


class Answerer(Protocol):
    """Gives the answer to one request."""

    def __call__(self, method: str, path: str, /) -> Answer:
        """Answer a request of this method and path."""
        ...


async def serve_http(stream: Stream, answer: Answerer) -> None:
    """Answer requests on one connection until the client has done with it or sends nonsense."""
    connection = h11.Connection(h11.SERVER)
    try:
        while await _serve_one(connection, stream, answer):
            connection.start_next_cycle()
    except h11.RemoteProtocolError:
        return


async def _serve_one(connection: h11.Connection, stream: Stream, answer: Answerer) -> bool:
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.read())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            reply = answer(request.method.decode(), request.target.decode().partition("?")[0])
            await stream.write(_encode(connection, reply))
            return connection.our_state is h11.DONE
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            return False


def _encode(connection: h11.Connection, answer: Answer) -> bytes:
    status, content_type, body = answer
    headers = [("Date", http_date(datetime.now(UTC))), ("Content-Length", str(len(body)))]
    if content_type:
        headers.append(("Content-Type", content_type))
    phrase = HTTPStatus(status).phrase.encode()
    parts = (
        connection.send(h11.Response(status_code=status, headers=headers, reason=phrase)),
        connection.send(h11.Data(data=body)) if body else b"",
        connection.send(h11.EndOfMessage()),
    )
    return b"".join(part for part in parts if part)
