"""The backend of a BBS that runs as a process of its own: JSON lines over a Unix socket.

One connection is one BBS process: it opens with `{"pod": NAME}`, then come calls `{"id", "call", "owner"}` and their
answers `{"id", "granted", "mode"}` or `{"id", "error"}`. A call may hang for ever, so each is served by its own task.
"""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from simulator.backend import Backend, LockAnswer, Mode
from simulator.database import DatabaseRefusedError
from simulator.diego import Diego
from simulator.locket import LocketGoneError

_ERRORS = {"database": DatabaseRefusedError, "locket": LocketGoneError}


class RemoteBackend:
    """The client's end: a Backend over the socket. One call at a time; LocketGoneError when the socket is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._calls = 0

    @classmethod
    async def open(cls, path: Path, pod: str) -> Self:
        """Connect as the BBS process of a pod. OSError if nobody serves the socket."""
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(_line({"pod": pod}))
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
    """The kubelet's end: serves Diego's state to BBS processes until `close`."""

    def __init__(self, diego: Diego) -> None:
        self._diego = diego
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, diego: Diego, path: Path) -> Self:
        """Listen on a Unix socket at `path` (at most 107 bytes long)."""
        server = cls(diego)
        server._server = await asyncio.start_unix_server(server._accept, path)
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
                backend = self._diego.start_process(json.loads(first)["pod"])
                while line := await reader.readline():
                    calls.append(self._spawn(_answer(backend, json.loads(line), writer)))
        finally:
            for call in calls:
                call.cancel()
            writer.transport.abort()


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
