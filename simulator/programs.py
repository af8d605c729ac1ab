"""What runs in the simulated containers."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from simulator.bbs import Bbs, Identity
from simulator.diego import Diego, Timings
from simulator.listener import Listener, accept_and_wait
from simulator.locket import LOCKET_PORT

CC_PORT = 9022
"""Where the Cloud Controller listens for its internal clients."""


class Program(Protocol):
    """The process in a container. Cancelling `run` is SIGKILL."""

    async def run(self) -> int:
        """Live; gives the exit code."""
        ...

    def terminate(self) -> None:
        """SIGTERM."""


class ListeningProgram:
    """Accepts connections on one port (None: on none) and ends as soon as it is asked to."""

    def __init__(self, host: str, port: int | None) -> None:
        self._host = host
        self._port = port
        self._terminated = asyncio.Event()

    async def run(self) -> int:
        """Listen until `terminate`."""
        if self._port is None:
            await self._terminated.wait()
            return 0
        listener = await Listener.open(self._host, self._port, accept_and_wait)
        try:
            await self._terminated.wait()
        finally:
            await listener.close()
        return 0

    def terminate(self) -> None:
        """End."""
        self._terminated.set()


class LocketProgram:
    """A Locket process with its port 8891, of which only the accept is simulated."""

    def __init__(self, diego: Diego, pod: str, host: str) -> None:
        self._diego = diego
        self._pod = pod
        self._listening = ListeningProgram(host, LOCKET_PORT)
        self._locket = diego.start_locket(pod)

    async def run(self) -> int:
        """Hold the lock's service until `terminate`. A hung one takes its time to end."""
        try:
            code = await self._listening.run()
            if self._locket.is_hung:
                await asyncio.sleep(self._diego.timings.hang_exit)
            return code
        finally:
            self._diego.end_locket(self._pod, self._locket)

    def terminate(self) -> None:
        """End."""
        self._listening.terminate()


class BbsProgram:
    """A BBS in this process."""

    def __init__(self, diego: Diego, identity: Identity, log: Callable[[str], None]) -> None:
        self._bbs = Bbs(identity, diego.start_process(identity.owner), diego.timings, log)

    async def run(self) -> int:
        """Live as a BBS does."""
        return await self._bbs.run()

    def terminate(self) -> None:
        """SIGTERM."""
        self._bbs.terminate()


class BbsProcess:
    """A BBS as an operating system's process, which finds the database and Locket behind a Unix socket."""

    def __init__(self, identity: Identity, socket: Path, timings: Timings, log: Callable[[str], None]) -> None:
        self._command = (
            *(sys.executable, "-m", "simulator.bbs", "--owner", identity.owner),
            *("--host", identity.host, "--certificates", str(identity.files.ca.parent), "--backend", str(socket)),
            *("--lock-ttl", str(timings.lock_ttl), "--lock-retry", str(timings.lock_retry)),
            *("--hang-exit", str(timings.hang_exit)),
        )
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._terminated = False

    async def run(self) -> int:
        """Run the process to its end; if cancelled, kill it and see it end."""
        process = await asyncio.create_subprocess_exec(*self._command, stderr=asyncio.subprocess.PIPE)
        self._process = process
        if self._terminated:
            process.terminate()
        try:
            await self._read_log(process.stderr)
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())

    def terminate(self) -> None:
        """SIGTERM."""
        self._terminated = True
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _read_log(self, stderr: asyncio.StreamReader | None) -> None:
        while stderr is not None and (line := await stderr.readline()):
            self._log(line.decode(errors="replace").rstrip())


class Together:
    """Several programs in one container: it ends when the first of them does, with that one's exit code."""

    def __init__(self, *programs: Program) -> None:
        self._programs = programs

    async def run(self) -> int:
        """Run all of them until one ends; asked to end, wait for all."""
        tasks = [asyncio.create_task(program.run()) for program in self._programs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code = done.pop().result()
            if not code:
                await asyncio.wait(tasks)
            return code
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def terminate(self) -> None:
        """SIGTERM to all of them."""
        for program in self._programs:
            program.terminate()
