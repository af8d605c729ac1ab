"""How long a test waits for what must happen before it says that something hangs.

Many times what it takes, since somebody else may use the machine: a guard against hanging, no claim about speed.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HANG_GUARD = 300.0
"""Seconds."""


async def until(condition: Callable[[], object], what: str = "it", timeout: float = HANG_GUARD) -> None:
    """Poll a condition, which may be async. AssertionError that says what did not come within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            while not await _asked(condition):  # noqa: ASYNC110 -- any condition, also of other programs
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not come within {timeout:.0f} s") from None


def until_true(condition: Callable[[], T], what: str = "it") -> T:
    """The first true answer of a condition, polled without a loop. AssertionError if none comes."""
    end = time.monotonic() + HANG_GUARD
    while not (answer := condition()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)
    return answer


async def _asked(condition: Callable[[], object]) -> object:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else answer
