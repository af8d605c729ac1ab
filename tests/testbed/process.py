"""One program under test: started with its output in a log file, frozen, thawed, and ended under a deadline."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import aiohttp

from tests.testbed.patience import until

_PORTS = range(10_000, 32_000)
_STOP_SECONDS = 10.0


class ProcessError(Exception):
    """A program did not do what it should; the message ends with the tail of its log."""


class Process:
    """A child process with a name and a log file. It shares our process group, so that Ctrl-C reaches it too."""

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code (negative: the signal that killed it), or None while it runs."""
        return self._child.poll()

    def tail(self, lines: int = 30) -> str:
        """The last lines of its log under a heading."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([f"--- end of {self.log} ---", *text.splitlines()[-lines:]])

    def freeze(self) -> None:
        """Stop it where it is (SIGSTOP): it accepts connections and answers nothing, like a hung process."""
        os.kill(self.pid, signal.SIGSTOP)
        # SIGSTOP is only on its way: wait until all threads have stopped (or the process has ended).
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        self._child.kill()
        self._child.wait()

    def stop(self, deadline: float = _STOP_SECONDS) -> None:
        """Ask it to end (SIGTERM) and wait; after `deadline` seconds kill it. A frozen one is thawed first."""
        if self.exit_code is not None:
            return
        self.thaw()
        self._child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(deadline)
        self.kill()

    def wait_until(self, condition: Callable[[], bool], what: str, deadline: float) -> None:
        """Poll a condition; raises ProcessError if this process ends first or `deadline` seconds go by."""
        end = time.monotonic() + deadline
        while not condition():
            if self.exit_code is not None:
                raise ProcessError(f"{self.name} ended with {self.exit_code} before {what}\n{self.tail()}")
            if time.monotonic() > end:
                raise ProcessError(f"{self.name}: {what} did not come within {deadline:.0f} s\n{self.tail()}")
            time.sleep(0.05)


@contextlib.asynccontextmanager
async def serving(name: str, argv: Sequence[str | Path], log: Path, address: str) -> AsyncIterator[Process]:
    """One program, once it is ready at `http://ADDRESS`."""
    process = Process(name, argv, log)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

            async def is_ready() -> bool:
                if process.exit_code is not None:
                    raise ProcessError(f"{name} ended with {process.exit_code} at its start\n{process.tail()}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"http://{address}/-/ready") as answer:
                        return answer.status == 200
                return False

            await until(is_ready, f"{name}'s readiness")
        yield process
    finally:
        await asyncio.to_thread(process.stop)


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on.

    Not from the kernel's ephemeral range (32768 and up): there a client that retries while the server restarts could be
    given the server's port as its own, and connect to itself.
    """
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return port
    raise ProcessError(f"no free port on {address}: 100 random ones of {_PORTS} are all in use")
