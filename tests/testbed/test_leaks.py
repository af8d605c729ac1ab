import asyncio

import pytest

from tests.testbed.leaks import leaked_tasks


async def test_a_task_that_still_runs_is_named_and_one_that_is_ending_is_not() -> None:
    forgotten = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    ending = asyncio.create_task(asyncio.sleep(0), name="ending")
    leaks = await leaked_tasks()
    forgotten.cancel()
    await asyncio.wait([forgotten, ending])
    assert len(leaks) == 1
    assert "forgotten" in leaks[0]


def test_every_async_test_has_the_leak_check_and_a_plain_one_has_not(request: pytest.FixtureRequest) -> None:
    others = {item.name: item for item in request.session.items if item.path == request.path}
    names = [
        name
        for name, item in others.items()
        if isinstance(item, pytest.Function) and "no_leaked_tasks" in item.fixturenames
    ]
    assert names == ["test_a_task_that_still_runs_is_named_and_one_that_is_ending_is_not"]
