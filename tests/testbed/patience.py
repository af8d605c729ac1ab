"""How long a test waits for what must happen before it says that something hangs.

Many times what it takes, since somebody else may use the machine: a guard against hanging, no claim about speed.
"""

import asyncio
import inspect
from collections.abc import Callable

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


async def _asked(condition: Callable[[], object]) -> object:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else answer
