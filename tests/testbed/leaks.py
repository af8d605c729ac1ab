"""A task that outlives its test is a leak: it is named, and its test fails."""

import asyncio

_TURNS = 10  # of the event loop, so that tasks which are ending can end; no waiting


async def leaked_tasks() -> list[str]:
    """The tasks beside our own that still run in this event loop, after a few turns of it."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    return sorted(repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()})
