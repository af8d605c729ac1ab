"""What a program has opened and set running, and how all of that ends: last opened, first closed.

Why no `asyncio.TaskGroup`: it cancels all its tasks at once, where a stop has an order (HTTP first, then the work, then
what the work uses), and it waits without limit for a task that does not end. Each task here is owned by the `Runtime`,
is cancelled in its place in the order, and is named if it does not end in time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from stagekeeper.config.errors import ProgramError

T = TypeVar("T")

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_RESERVE = 1.0
"""Seconds kept back for each resource that still waits for its turn to be closed."""


class Runtime:
    """What a program starts with: it opens resources and tasks, and hears of stop and reload.

    Resources and tasks end in the reverse order of their opening, so open the HTTP listener last. The whole stop takes
    at most `grace` seconds: whatever does not end within its share is named in the log and left behind.
    """

    def __init__(self, grace: float, at_stop: Callable[["Runtime"], None] = lambda _runtime: None) -> None:
        self.stopping = asyncio.Event()
        self.failed = False
        self.ending = "nothing"
        """The name of what is being closed, for whoever has to force the stop."""
        self._grace = grace
        self._at_stop = at_stop
        self._deadline = 0.0
        self._stack = AsyncExitStack()
        self._still_open = 0
        self._hooks: list[Callable[[], Awaitable[None]]] = []
        self._reloading = asyncio.Lock()
        self._starting: asyncio.Timeout | None = None

    async def open(self, name: str, resource: AbstractAsyncContextManager[T]) -> T:
        """Enter `resource`, and leave it when the program stops; `name` is for people: "The HTTP listener"."""
        value = await resource.__aenter__()
        self._push(name, partial(resource.__aexit__, None, None, None))
        return value

    def eternal(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` until the stop. If it returns or raises before, the program stops and exits 1."""
        task = asyncio.create_task(self._guard(name, work), name=name)
        self._push(name, partial(_cancel, task, work))

    def on_reload(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Call `hook` at every reload; it keeps the old configuration and raises a `ProgramError` to refuse."""
        self._hooks.append(hook)

    async def reload(self) -> None:
        """Call the hooks one after the other, one reload at a time; the first to raise ends it."""
        async with self._reloading:
            for hook in self._hooks:
                await hook()
        _log.info("The configuration was reloaded.")

    def stop(self, reason: str) -> None:
        """Begin to stop, also in the middle of the start; `reason` is a sentence for the log."""
        if self.stopping.is_set():
            return
        _log.info("Stopping.", reason=reason)
        self.stopping.set()
        if self._starting is not None:
            self._starting.reschedule(asyncio.get_running_loop().time())

    async def start(self, start: Callable[["Runtime"], Awaitable[None]]) -> None:
        """Run `start`; a stop in the meantime cancels it."""
        if self.stopping.is_set():
            return
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._starting = scope
                await start(self)
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._starting = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything, last opened first. Never raises by itself."""
        self.stopping.set()
        self._deadline = asyncio.get_running_loop().time() + self._grace
        self._at_stop(self)
        await self._stack.__aexit__(kind, error, trace)
        self.ending = "a task or a thread that was left behind"

    def _push(self, name: str, end: Callable[[], Awaitable[object]]) -> None:
        self._still_open += 1
        self._stack.push_async_callback(self._end, name, end)

    async def _end(self, name: str, end: Callable[[], Awaitable[object]]) -> None:
        self.ending = name
        self._still_open -= 1
        scope = asyncio.timeout(self._share())
        try:
            async with scope:
                await end()
        except Exception as problem:  # noqa: BLE001 -- one resource that can't be closed must not keep the others open
            self.failed = True
            if scope.expired():
                _log.error("A part did not stop in time and was left behind.", part=name)
            else:
                _log.error("A part could not be closed.", part=name, reason=str(problem), exc_info=problem)
        else:
            _log.debug("A part has stopped.", part=name)

    def _share(self) -> float:
        """Seconds for the resource whose turn it is: all that is left, but for a reserve for those after it."""
        left = max(self._deadline - asyncio.get_running_loop().time(), 0.0)
        return max(left - _RESERVE * self._still_open, left / (self._still_open + 1))

    async def _guard(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except ProgramError as problem:
            self._fail(name, str(problem))
        except Exception as problem:  # noqa: BLE001 -- the edge of a task
            self._fail(name, f"{type(problem).__name__}: {problem}", problem)
        else:
            if not self.stopping.is_set():
                self._fail(name, "It has ended by itself.")

    def _fail(self, name: str, reason: str, problem: Exception | None = None) -> None:
        self.failed = True
        _log.error("A part that must always run has failed.", part=name, reason=reason, exc_info=problem)
        self.stop(f"A part that must always run has failed: {name}.")


async def _cancel(task: asyncio.Task[None], work: Coroutine[Any, Any, object]) -> None:
    task.cancel()
    await asyncio.wait({task})
    work.close()  # for work that was cancelled before it began; else it has no effect
