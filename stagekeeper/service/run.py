"""Runs one program as a process: signals, exit code, and the sentence when it can't.

Exit codes: 0 a clean stop, 1 a failure (or a stop in which something had to be left behind), 2 a flag or a
configuration that can't be used.
"""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from stagekeeper.config.errors import ProgramError
from stagekeeper.service import logs
from stagekeeper.service.runtime import Runtime

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_COLLECTIONS = (5_000, 20, 50)
"""Growth until the youngest objects are looked through; times of that until the older; times of that until all."""
_FORCE_AFTER = 2.0
"""Seconds after the grace; together they stay below the 30 s that Kubernetes gives a pod."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its name, how it starts, and how many seconds its stop may take.

    `start` opens what the program needs through the `Runtime` and returns; it may raise a `ProgramError`.
    """

    name: str
    start: Callable[[Runtime], Awaitable[None]]
    grace: float = 25.0


async def run(program: Program, at_stop: Callable[[Runtime], None] = lambda _runtime: None) -> int:
    """Run until SIGTERM, SIGINT, `Runtime.stop` or a failure; return the exit code. SIGHUP reloads.

    A `ProgramError` with which the start was refused is raised again, after closing what was open by then.
    `at_stop` is called when the closing begins.
    """
    runtime = Runtime(program.grace, at_stop)
    try:
        with _signals(runtime) as hangup:
            async with runtime:
                runtime.eternal("The reload on SIGHUP", _reload_on(hangup, runtime))
                await runtime.start(program.start)
                await runtime.stopping.wait()
    except ProgramError:
        raise
    except Exception:  # noqa: BLE001 -- the edge of the program: what went wrong becomes its exit code
        _log.exception("The program can't start: unexpected error.", program=program.name)
        return 1
    _log.info("Stopped.", program=program.name)
    return 1 if runtime.failed else 0


def main(program: Program) -> int:
    """Run `program` in a new event loop and return the exit code for `sys.exit`.

    The end is certain: whatever holds the process (a task that ignores its cancellation, a thread in a name lookup)
    longer than the grace and 2 s more is named, and the process ends by force.
    """
    force = _Force(program.grace + _FORCE_AFTER)

    async def start(runtime: Runtime) -> None:
        await program.start(runtime)
        _spare_what_stays()

    try:
        with asyncio.Runner() as runner:
            return runner.run(run(replace(program, start=start), force.arm))
    except ProgramError as problem:
        return report(program.name, problem)
    finally:
        force.disarm()


def _spare_what_stays() -> None:
    """Keep the garbage collector off what stays, and let it come less often: it stops the event loop.

    Going through all modules took 80 ms each time, and through what is known of 1,000 environments 15 to 67 ms, six
    times in each scrape. Little is left to it: most of our garbage has no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)


def report(program_name: str, problem: ProgramError) -> int:
    """Log why the program can't run, a record for each line; the exit code."""
    for line in str(problem).splitlines():
        _log.error("The program can't run.", program=program_name, reason=line)
    return problem.exit_code


@contextmanager
def _signals(runtime: Runtime) -> Iterator[asyncio.Event]:
    """Stop at SIGTERM and SIGINT; yield the event that SIGHUP sets."""
    loop = asyncio.get_running_loop()
    hangup = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stop, f"Received {number.name}.")
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        yield hangup
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _reload_on(hangup: asyncio.Event, runtime: Runtime) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            await runtime.reload()
        except ProgramError as problem:
            _log.error("The configuration was not reloaded; the old one stays in force.", reason=str(problem))
        except Exception:  # noqa: BLE001 -- the edge of a task: a reload must not end the program
            _log.exception("The configuration was not reloaded: unexpected error; the old one stays in force.")


class _Force:
    """Ends the process when its stop takes too long; runs in a thread, since the event loop may be what hangs."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    def arm(self, runtime: Runtime) -> None:
        self._timer = threading.Timer(self._seconds, _end_by_force, [runtime])
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _end_by_force(runtime: Runtime) -> None:
    logs.write_past_all_locks("The stop took too long; ending by force.", part=runtime.ending)
    os._exit(1)
