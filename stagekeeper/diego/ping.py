"""One request over a connection that stands, and what the answer means: above all `POST /v1/ping`.

The wire facts come from `bbs:handlers/ping_handler.go`, `bbs:handlers/unavailable_handler.go` and from measuring the
real one: HTTP/1.1 without ALPN, 200 with the bytes `08 01`; 503 with an empty body while it migrates.
"""

import asyncio

import h11

from stagekeeper.diego.observation import Reply

PING = "/v1/ping"
PONG = b"\x08\x01"
"""A PingResponse whose `available` is true, in protobuf."""
LARGEST_ANSWER = 65_536
"""Bytes after which an answer is not a BBS's. A ping's takes about 120."""
_CLOSED = "connection closed without an answer"


class NotABbs(Exception):
    """What answers is none; the message says why."""


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, bytes]:
    """Status and body of the answer to one request. Raises `NotABbs`, and `OSError` where the connection breaks."""
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="POST", target=path, headers=[("Host", "bbs"), ("Content-Length", "0"), ("Connection", "close")]
    )
    writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    try:
        return await _answer(connection, reader)
    except h11.RemoteProtocolError as problem:
        raise NotABbs(f"not an HTTP/1.1 answer: {problem}") from problem


def meaning(path: str, status: int, body: bytes) -> tuple[Reply, str]:
    """The reply that an answer is, and its detail. Only a ping's body is known in advance."""
    if status == 200 and (path != PING or body == PONG):  # noqa: PLR2004 -- HTTP's OK
        return Reply.OK, ""
    if status == 503 and not body:  # noqa: PLR2004 -- HTTP's Service Unavailable
        return Reply.UNAVAILABLE, "HTTP 503 with an empty body"
    return Reply.BAD_REPLY, f"HTTP {status} with {len(body)} bytes"


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one response of at most `LARGEST_ANSWER` bytes."""
    status, body, received = 0, b"", 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(4096)
            if not data and not received:
                raise NotABbs(_CLOSED)
            received += len(data)
            if received > LARGEST_ANSWER:
                raise NotABbs(f"an answer of more than {LARGEST_ANSWER} bytes")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, body
        elif not isinstance(event, h11.InformationalResponse):
            raise NotABbs(_CLOSED)
