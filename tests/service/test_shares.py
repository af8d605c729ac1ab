"""Of each caller a few requests are at work."""

import asyncio

from stagekeeper.service.shares import Shares


async def settled() -> None:
    """Let every task run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_newest_of_those_who_wait_comes_first_and_another_caller_at_once() -> None:
    shares, began = Shares(2), list[str]()

    async def begin(name: str, caller: str) -> None:
        await shares.begin(caller)
        began.append(name)

    for name in ("one", "two", "three", "four"):
        asyncio.create_task(begin(name, "a"))  # noqa: RUF006 -- each ends below
        await settled()
    assert began == ["one", "two"]
    await begin("another's", "b")
    shares.end("a")
    await settled()
    assert began[2:] == ["another's", "four"]
    for caller in ("a", "a", "a", "b"):
        shares.end(caller)
        await settled()
    assert began[-1] == "three"
    assert (shares._running, shares._waiting) == ({}, {})


async def test_whoever_is_cancelled_leaves_his_place_to_the_next() -> None:
    shares = Shares(1)
    await shares.begin("a")
    next_one, gone, given_and_gone = (asyncio.create_task(shares.begin("a")) for _ in range(3))
    await settled()
    gone.cancel()
    shares.end("a")
    given_and_gone.cancel()
    await asyncio.wait([next_one])
    assert not next_one.cancelled()
    shares.end("a")
    assert (shares._running, shares._waiting) == ({}, {})
