"""kube-proxy's part for one Service: listen on its IP while it has ready endpoints, and forward to one of them."""

import asyncio
import contextlib
import secrets
from typing import Any

from simulator.api_client import API_TROUBLE
from simulator.listener import Listener
from simulator.place import Place

_CHUNK = 65536


class ServiceProxy:
    """Serves one Service's address. Without ready endpoints nobody listens: refused, as by a current kube-proxy."""

    def __init__(self, place: Place, name: str, host: str, port: int, interval: float) -> None:
        self._api = place.api
        self._path = f"/api/v1/namespaces/{place.namespace}/endpoints/{name}"
        self._host = host
        self._port = port
        self._interval = interval
        self._backends: list[tuple[str, int]] = []
        self._listener: Listener | None = None

    async def run(self) -> None:
        """Follow the Endpoints until cancelled."""
        try:
            while True:
                with contextlib.suppress(*API_TROUBLE):
                    reply = await self._api.send("GET", self._path)
                    self._backends = _ready(reply.body) if reply.ok else []
                await self._adjust()
                await asyncio.sleep(self._interval)
        finally:
            self._backends = []
            await self._adjust()

    async def _adjust(self) -> None:
        if self._backends and self._listener is None:
            self._listener = await Listener.open(self._host, self._port, self._forward)
        elif not self._backends and self._listener is not None:
            listener, self._listener = self._listener, None
            await listener.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._backends:
            return  # the last one has just gone, and we are about to close
        host, port = secrets.choice(self._backends)
        backend_reader, backend_writer = await asyncio.open_connection(host, port)
        ways = [
            asyncio.create_task(_copy(reader, backend_writer)),
            asyncio.create_task(_copy(backend_reader, writer)),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            backend_writer.transport.abort()  # before the wait, which may be cancelled as well
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction, its end included."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _ready(endpoints: dict[str, Any]) -> list[tuple[str, int]]:
    return [
        (address["ip"], port["port"])
        for subset in endpoints.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or []
    ]
