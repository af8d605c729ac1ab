"""A door between one process and the API server: it writes down what passes, and can hold a chosen message.

So a test knows who sent which request, and can kill a process exactly between two of its steps, on a real API.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.crashes.cloud_foundry import Object
from tests.testbed.control_plane import ControlPlane

_FORWARDED = ("Authorization", "Accept", "Content-Type")
_RETURNED = ("Content-Type", "Date")  # Date is the server's clock, by which the remediator judges
_SECONDS = aiohttp.ClientTimeout(total=30)


@dataclass(slots=True)
class Message:
    """One request; `status` is None until it is answered."""

    method: str
    path: str
    body: Object
    status: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the API server did what was asked."""
        return self.status is not None and self.status < 400

    @property
    def deletes_pod(self) -> bool:
        """Whether it asks for the end of a pod."""
        return self.method == "DELETE" and "/pods/" in self.path

    @property
    def recorded(self) -> Object:
        """The status that it wants to store; empty if it is no such request."""
        found: Object = self.body.get("status", {}) if self.method == "PUT" else {}
        return found


@dataclass(slots=True)
class Hold:
    """Holds the first message that `matches`: on its way in (its status is None), or its answer on the way back."""

    matches: Callable[[Message], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_by(self, message: Message) -> None:
        """Wait here, if it is this message that is waited for."""
        if not self.reached.is_set() and self.matches(message):
            self.reached.set()
            await self._released.wait()

    def release(self) -> None:
        """Let it go on."""
        self._released.set()


@dataclass(slots=True)
class Door:
    """The way to the API server of one process."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def hold(self, matches: Callable[[Message], bool]) -> Hold:
        """Hold the first message for which `matches` is true."""
        self.holds.append(Hold(matches))
        return self.holds[-1]

    def deletions(self) -> list[Message]:
        """Every request for the end of a pod."""
        return [message for message in self.messages if message.deletes_pod]

    async def stop_by(self, message: Message) -> None:
        """Let each hold have an observation at a message."""
        for hold in self.holds:
            await hold.pass_by(message)


@contextlib.asynccontextmanager
async def door(plane: ControlPlane) -> AsyncIterator[Door]:
    """A door on a free loopback port, open until the block ends."""
    opened = Door()
    context = ssl.create_default_context(cafile=plane.ca_file)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=_SECONDS) as session:

        async def handle(request: web.Request) -> web.Response:
            text = await request.read()
            message = Message(request.method, request.path_qs, await request.json() if text else {})
            opened.messages.append(message)
            await opened.stop_by(message)
            headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
            async with session.request(
                request.method, f"{plane.url}{request.path_qs}", data=text, headers=headers
            ) as answer:
                content = await answer.read()
            message.status = answer.status
            await opened.stop_by(message)
            returned = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
            return web.Response(status=answer.status, body=content, headers=returned)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield opened
        finally:
            for hold in opened.holds:
                hold.release()
            await runner.cleanup()
