"""What runs in the simulated containers."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from simulator.bbs import Bbs, Identity
from simulator.diego import Diego
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
    """A BBS."""

    def __init__(self, diego: Diego, identity: Identity, log: Callable[[str], None]) -> None:
        self._bbs = Bbs(identity, diego.start_process(identity.owner), diego.timings, log)

    async def run(self) -> int:
        """Live as a BBS does."""
        return await self._bbs.run()

    def terminate(self) -> None:
        """SIGTERM."""
        self._bbs.terminate()


class Monit:
    """Several programs in one container under monit: each is started again, unseen from outside, when it ends.

    `parts` start them; the first is the main one. Asked to end, all of them are; what has not ended `kill_after`
    seconds later is killed, as by fissile's `kill_and_wait`.
    """

    def __init__(self, parts: Sequence[Callable[[], Program]], cycle: float, kill_after: float) -> None:
        self._parts, self._cycle, self._kill_after = parts, cycle, kill_after
        self._programs: dict[int, Program] = {}
        self._lives: dict[int, asyncio.Task[int]] = {}
        self._hold = 0.0
        self._terminated = asyncio.Event()

    async def run(self) -> int:
        """Keep all of them running until `terminate`."""
        tasks = [asyncio.create_task(self._keep(number)) for number in range(len(self._parts))]
        try:
            await self._terminated.wait()
            await asyncio.wait(tasks, timeout=self._kill_after)
            return 0
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def terminate(self) -> None:
        """SIGTERM to all of them."""
        self._terminated.set()
        for program in self._programs.values():
            program.terminate()

    def crash(self, hold: float) -> None:
        """SIGKILL to the main one; it is not started again before `hold` seconds."""
        self._hold = hold
        if 0 in self._lives:
            _kill(self._lives[0])

    async def _keep(self, number: int) -> None:
        while not self._terminated.is_set():
            self._programs[number] = self._parts[number]()
            self._lives[number] = life = asyncio.create_task(self._programs[number].run())
            try:
                await asyncio.wait((life,))
            finally:
                _kill(life)
                await asyncio.gather(life, return_exceptions=True)
                del self._programs[number], self._lives[number]
            pause = self._cycle
            if number == 0:
                pause, self._hold = max(pause, self._hold), 0.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._terminated.wait()


def _kill(life: "asyncio.Task[int]") -> None:
    """SIGKILL, but only once: a second time would interrupt the clean-up."""
    if not life.cancelling():
        life.cancel()
