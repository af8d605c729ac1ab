"""The backend of a BBS that runs as a process of its own: JSON lines over TCP.

One connection is one BBS process: it opens with `{"pod": NAME}`, then come calls `{"id", "call", "owner"}` and their
answers `{"id", "granted", "mode"}` or `{"id", "error"}`. A call may hang for ever, so each is served by its own task.
A connection that opens with `{"locket": NAME}` is a pod's Locket process; its one call is `is_hung`.
"""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any, Self

from simulator.backend import Backend, LockAnswer, Mode
from simulator.database import DatabaseRefusedError
from simulator.diego import Diego
from simulator.locket import LocketGoneError

_ERRORS = {"database": DatabaseRefusedError, "locket": LocketGoneError}


class RemoteBackend:
    """The client's end: a Backend over the connection. One call at a time; LocketGoneError when that is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._calls = 0

    @classmethod
    async def open(cls, address: str, pod: str, process: str = "pod") -> Self:
        """Connect as the BBS process of a pod (`process="locket"`: as its Locket) to `HOST:PORT`.

        OSError if nobody serves there.
        """
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(_line({process: pod}))
        return cls(reader, writer)

    async def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ping_database(self) -> None:
        """Ping the database."""
        await self._call("ping_database")

    async def lock(self, owner: str) -> LockAnswer:
        """Take or renew the lock."""
        answer = await self._call("lock", owner=owner)
        return LockAnswer(answer["granted"], Mode(answer["mode"]))

    async def release(self, owner: str) -> None:
        """Give the lock back."""
        await self._call("release", owner=owner)

    async def is_hung(self) -> bool:
        """Whether this Locket's database connection is dead. LocketGoneError as the others."""
        return bool((await self._call("is_hung"))["hung"])

    async def _call(self, name: str, **arguments: str) -> dict[str, Any]:
        self._calls += 1
        call = self._calls
        self._writer.write(_line({"id": call, "call": name, **arguments}))
        while line := await self._reader.readline():
            answer: dict[str, Any] = json.loads(line)
            if answer["id"] != call:
                continue  # the late answer to a call that was given up
            if "error" in answer:
                raise _ERRORS[answer["error"]]
            return answer
        raise LocketGoneError


class BackendServer:
    """The other end: serves Diego's state to BBS processes until `close`."""

    def __init__(self, diego: Diego) -> None:
        self.diego = diego
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def listen(cls, diego: Diego, host: str, port: int) -> Self:
        """Listen on a TCP port."""
        server = cls(diego)
        server._server = await asyncio.start_server(server._accept, host, port)
        return server

    async def close(self) -> None:
        """Stop listening and drop every BBS."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(self._serve(reader, writer))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls: list[asyncio.Task[None]] = []
        try:
            with contextlib.suppress(OSError):  # a BBS that is killed resets its connection
                first = await reader.readline()
                if not first:
                    return
                who = json.loads(first)
                if "locket" in who:
                    await self._serve_locket(who["locket"], reader, writer)
                    return
                backend = self.diego.start_process(who["pod"])
                while line := await reader.readline():
                    calls.append(self._spawn(_answer(backend, json.loads(line), writer)))
        finally:
            for call in calls:
                call.cancel()
            writer.transport.abort()

    async def _serve_locket(self, pod: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A Locket lives as long as its connection."""
        locket = self.diego.start_locket(pod)
        try:
            while line := await reader.readline():
                writer.write(_line({"id": json.loads(line)["id"], "hung": locket.is_hung}))
        finally:
            self.diego.end_locket(pod, locket)


async def _answer(backend: Backend, call: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    answer: dict[str, Any] = {"id": call["id"]}
    try:
        match call["call"]:
            case "ping_database":
                await backend.ping_database()
            case "lock":
                lock = await backend.lock(call["owner"])
                answer |= {"granted": lock.granted, "mode": lock.mode}
            case "release":
                await backend.release(call["owner"])
    except DatabaseRefusedError:
        answer["error"] = "database"
    except LocketGoneError:
        answer["error"] = "locket"
    writer.write(_line(answer))


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
