"""TLS on the server's side of a stream.

asyncio's own drops the alert when a handshake fails; the real BBS sends it, and a probe tells a missing client
certificate from a broken server by it (under TLS 1.3 the client's own handshake has succeeded by then).
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

_CHUNK = 65536
T = TypeVar("T")


class TlsStream:
    """A server's TLS connection over a reader and a writer that carry the records."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self) -> None:
        """Shake hands, client certificate included. ssl.SSLError, after the alert was sent, if the client's is bad."""
        await self._drive(self._tls.do_handshake)

    async def read(self) -> bytes:
        """Read what has come; empty at the end."""
        try:
            return await self._drive(lambda: self._tls.read(_CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def write(self, data: bytes) -> None:
        """Send everything."""
        await self._drive(lambda: self._tls.write(data))

    async def _drive(self, operation: Callable[[], T]) -> T:
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            finally:
                await self._flush()

    async def _fill(self) -> None:
        data = await self._reader.read(_CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
            await self._writer.drain()
