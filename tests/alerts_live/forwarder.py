"""A TCP way to the BBS that can be made slow or cut."""

import asyncio
import contextlib
from collections.abc import Callable

from simulator.listener import Listener


class Forwarder:
    """Forwards each connection to where `target` then points; `delay` seconds late."""

    def __init__(self, host: str, port: int, target: Callable[[], str]) -> None:
        self._host, self._port, self._target = host, port, target
        self._listener: Listener | None = None
        self.delay = 0.0

    async def open(self) -> None:
        """Accept connections from now on."""
        self._listener = await Listener.open(self._host, self._port, self._forward)

    async def close(self) -> None:
        """Refuse connections from now on."""
        if self._listener is not None:
            await self._listener.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.delay)
        far_reader, far_writer = await asyncio.open_connection(self._target(), self._port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, far_writer))
                both.create_task(_copy(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
        writer.write_eof()
