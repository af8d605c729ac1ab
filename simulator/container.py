"""One container: a program that is started again when it ends, with a kubelet's back-off."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from simulator.clock import Clock
from simulator.programs import Monit, Program

KILLED = 137
_RUNS_WELL_AFTER = 600.0
"""Seconds after which a kubelet forgets earlier crashes."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Seconds between a crash and the next start: none, then `first`, doubled each time up to `cap`."""

    first: float = 10.0
    cap: float = 300.0

    def delay(self, crashes: int) -> float:
        """How long to wait after so many crashes in a row (kubelet: 10 s to 5 min)."""
        return 0.0 if crashes <= 1 else min(self.cap, self.first * 2.0 ** (crashes - 2))


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How a program that ends is started again."""

    back_off: BackOff = field(default_factory=BackOff)


class State(StrEnum):
    """As `containerStatuses[].state` names it."""

    WAITING = "waiting"
    RUNNING = "running"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over."""

    started: datetime
    finished: datetime
    exit_code: int


class Container:
    """A container of one pod, from its start to the pod's end."""

    def __init__(
        self, name: str, image: str, start: Callable[[], Program], clock: Clock, policy: RestartPolicy
    ) -> None:
        self.name = name
        self.image = image
        self.state = State.WAITING
        self.started: datetime | None = None
        self.last: Run | None = None
        self.restarts = 0
        self.slow_stop = 0.0
        """Seconds for which SIGTERM has no effect."""
        self.answers = True
        """What its readiness probe said last."""
        self._start = start
        self._clock = clock
        self._policy = policy
        self._crashes = 0
        self._hold: float | None = 0.0
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._program: Program | None = None
        self._running: asyncio.Task[int] | None = None

    @property
    def ready(self) -> bool:
        """Ready is not active: what a readiness probe asks is often up in a passive and in a hung BBS."""
        return self.state is State.RUNNING and self.answers

    async def live(self) -> None:
        """Run the program, and again when it ends, until `stop`."""
        try:
            while not self._stopping.is_set():
                await self._run_once()
        finally:
            self.state = State.TERMINATED
            await self._kill()

    async def stop(self, grace: float) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds. Returns once the program has ended."""
        self._stopping.set()
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._end()
        await self._kill()

    def crash(self, hold: float = 0.0) -> None:
        """SIGKILL to its main process; the next start comes not before `hold` seconds."""
        if isinstance(self._program, Monit):
            self._program.crash(hold)
        else:
            self._hold = hold
            self._cancel()

    def restart(self) -> None:
        """Kubernetes restarts all of it."""
        self._hold = 0.0
        self._cancel()

    def vanish(self) -> None:
        """All of it is gone with its node; it starts again with `resume`."""
        self._hold = None
        self._cancel()

    async def end_of_run(self) -> None:
        """Wait until the program that was killed has let go of everything."""
        if self._running is not None:
            await asyncio.wait((self._running,))

    def resume(self) -> None:
        """Start again now, if it waits for that."""
        self._woken.set()

    def make_older(self, seconds: float) -> None:
        """Pretend that it was started so many seconds earlier."""
        if self.started is not None:
            self.started -= timedelta(seconds=seconds)

    async def _run_once(self) -> None:
        self._program = self._start()
        if self.state is not State.RUNNING:
            self.started = self._clock.now()
            self.state = State.RUNNING
        began = self._clock.monotonic()
        self._running = asyncio.create_task(self._program.run())
        await asyncio.wait((self._running,))
        code = KILLED if self._running.cancelled() else self._running.result()
        self._running = self._program = None
        if self._stopping.is_set():
            self._record(code)
            return
        self._record(code)
        ran_well = self._clock.monotonic() - began >= _RUNS_WELL_AFTER
        self._crashes = 1 if ran_well else self._crashes + 1
        await self._pause(self._policy.back_off.delay(self._crashes))
        self.restarts += 1

    def _record(self, code: int) -> None:
        now = self._clock.now()
        self.last = Run(self.started or now, now, code)
        self.state = State.TERMINATED if self._stopping.is_set() else State.WAITING

    async def _pause(self, seconds: float) -> None:
        """Wait for the back-off and for what `crash` asked for, or until woken."""
        timeout = None if self._hold is None else max(seconds, self._hold)
        self._hold = 0.0
        if not self._stopping.is_set():
            self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._woken.wait()

    async def _end(self) -> None:
        if self._running is None or self._program is None:
            return
        if self.slow_stop:
            await asyncio.wait((self._running,), timeout=self.slow_stop)
        self._program.terminate()
        await asyncio.wait((self._running,))

    async def _kill(self) -> None:
        self._cancel()
        await self.end_of_run()

    def _cancel(self) -> None:
        """Cancel the program, but only once: a second time would interrupt its clean-up."""
        if self._running is not None and not self._running.cancelling():
            self._running.cancel()
