"""Reads the body of a request, for whoever expects one and knows who sends it. Bounded, also in what it unpacks to."""

import asyncio
import zlib

import structlog
from aiohttp import hdrs, web

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PIECE = 64 * 1024
"""Bytes unpacked at once: well below a millisecond, after which others have their turn."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class BodyTooLarge(Exception):
    """The body, or what it unpacks to, is longer than the application's `client_max_size`."""


class UnreadableBody(Exception):
    """The body is not what its headers say: cut off, garbage in its encoding, or an encoding unknown here."""


async def read_body(request: web.Request) -> bytes:
    """The body, unpacked if it is sent with gzip or deflate. Raises `BodyTooLarge` or `UnreadableBody`."""
    try:
        sent = await request.read()
    except web.HTTPRequestEntityTooLarge as problem:
        raise BodyTooLarge from problem
    except ConnectionError as problem:
        _log.debug("The sender of a body has gone before its end.", peer=request.remote, path=request.path)
        raise UnreadableBody("its sender has gone before its end") from problem
    except (web.RequestPayloadError, ValueError) as problem:
        raise UnreadableBody(str(problem)) from problem
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if encoding == "identity":
        return sent
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnreadableBody("its Content-Encoding is none of gzip, deflate and identity")
    return await _unpacked(sent, request.client_max_size)


async def _unpacked(sent: bytes, largest: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    found, rest = bytearray(), sent
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            rest = unpacker.unconsumed_tail
            if not piece and not rest:
                break
            found += piece
            if len(found) > largest:
                raise BodyTooLarge
            await asyncio.sleep(0)
    except zlib.error as problem:
        raise UnreadableBody(str(problem)) from problem
    if not unpacker.eof or unpacker.unused_data:
        raise UnreadableBody("it ends before or after its Content-Encoding does")
    return bytes(found)
