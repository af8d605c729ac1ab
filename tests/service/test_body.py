"""Bodies that are packed, cut, lying or too long, of whoever is known."""

import asyncio
import gzip
import zlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from stagekeeper.service.body import BodyTooLarge, UnreadableBody, read_body
from tests.service.kit import Serve, bomb
from tests.testbed.patience import until

LARGEST = 100_000
TEXT = b"some words, " * 100


@pytest.fixture
async def url(serve: Serve) -> str:
    """A handler that answers how long the body is, or why it can't be read."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return web.Response(text=str(len(await read_body(request))))
        except (BodyTooLarge, UnreadableBody) as problem:
            return web.Response(status=400, text=type(problem).__name__)

    app = web.Application(client_max_size=LARGEST)
    app.router.add_post("/", handle)
    return await serve(app)


PACKED: Mapping[str, tuple[str, bytes]] = {
    "as it is": ("identity", TEXT),
    "gzip": ("gzip", gzip.compress(TEXT)),
    "capitals": ("GZip", gzip.compress(TEXT)),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "as long as it may be": ("gzip", gzip.compress(bytes(LARGEST))),
}


@pytest.mark.parametrize("what", PACKED)
async def test_what_is_packed_is_unpacked(client: aiohttp.ClientSession, url: str, what: str) -> None:
    encoding, body = PACKED[what]
    length = LARGEST if "long" in what else len(TEXT)
    async with client.post(url, data=body, headers={"Content-Encoding": encoding}) as response:
        assert (response.status, await response.text()) == (200, str(length))


BAD: Mapping[str, tuple[str, bytes, str]] = {
    "no gzip": ("gzip", TEXT, "UnreadableBody"),
    "nothing": ("gzip", b"", "UnreadableBody"),
    "cut off": ("gzip", gzip.compress(TEXT)[:-4], "UnreadableBody"),
    "more behind it": ("gzip", gzip.compress(TEXT) + b"x", "UnreadableBody"),
    "a wrong checksum": ("gzip", gzip.compress(TEXT)[:-8] + bytes(8), "UnreadableBody"),
    "an encoding that we don't know": ("br", TEXT, "UnreadableBody"),
    "two encodings": ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), "UnreadableBody"),
    "too long": ("identity", bytes(LARGEST + 1), "BodyTooLarge"),
    "too long when unpacked": ("gzip", gzip.compress(bytes(LARGEST + 1)), "BodyTooLarge"),
    "a bomb": ("gzip", bomb(64), "BodyTooLarge"),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_can_not_be_taken_is_said_so(client: aiohttp.ClientSession, url: str, what: str) -> None:
    encoding, body, why = BAD[what]
    async with client.post(url, data=body, headers={"Content-Encoding": encoding}) as response:
        assert (response.status, await response.text()) == (400, why)


async def test_a_sender_that_has_gone_in_the_middle_is_no_fault_of_ours(url: str) -> None:
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()
        await until(lambda: logs)
    assert [(each["log_level"], each["event"]) for each in logs] == [
        ("debug", "The sender of a body has gone before its end.")
    ]
