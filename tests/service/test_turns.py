import asyncio
from collections.abc import Callable

from stagekeeper.service.turns import Turns
from tests.testbed.patience import until


class Work:
    """Who had a turn, in their order; each has it until it is released."""

    def __init__(self, at_once: int = 1) -> None:
        self.turns = Turns(at_once)
        self.began: list[str] = []
        self.release: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, name: str, caller: str = "a", *, hopeless: bool = False) -> None:
        """Wait for a turn from now on."""
        self.release[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._have(name, caller, hopeless=hopeless))
        await asyncio.sleep(0)

    async def _have(self, name: str, caller: str, *, hopeless: bool) -> None:
        async with self.turns.turn(caller, hopeless=hopeless):
            self.began.append(name)
            await self.release[name].wait()

    async def order(self) -> list[str]:
        """Let one after the other end; the order in which they had their turn."""
        has_begun: Callable[[int], bool] = lambda count: len(self.began) > count  # noqa: E731
        for count in range(len(self.tasks)):
            await until(lambda count=count: has_begun(count))  # type: ignore[misc]
            self.release[self.began[count]].set()
        return self.began


async def test_of_one_caller_the_newest_comes_first() -> None:
    work = Work()
    for name in ("running", "guess 1", "guess 2", "right"):
        await work.ask(name)
    assert await work.order() == ["running", "right", "guess 2", "guess 1"]


async def test_callers_have_their_turns_one_after_the_other() -> None:
    work = Work()
    await work.ask("running")
    for number in range(3):
        await work.ask(f"flood {number}", "a")
    await work.ask("right", "b")
    for number in range(3, 6):
        await work.ask(f"flood {number}", "a")
    order = await work.order()
    assert order.index("right") <= 2


async def test_the_hopeless_come_last_and_one_at_a_time() -> None:
    work = Work(at_once=2)
    for number in range(3):
        await work.ask(f"hopeless {number}", hopeless=True)
    assert work.began == ["hopeless 0"]
    await work.ask("right")
    assert work.began == ["hopeless 0", "right"]
    assert sorted(await work.order()) == ["hopeless 0", "hopeless 1", "hopeless 2", "right"]


async def test_a_caller_is_quiet_when_none_of_his_waits_any_more() -> None:
    work = Work()
    for name, caller in (("running", "a"), ("waiting", "a"), ("gone", "a"), ("other", "b")):
        await work.ask(name, caller)
    quiet = asyncio.create_task(work.turns.quiet("a"))
    work.tasks.pop("gone").cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not quiet.done()
    work.release["running"].set()
    await until(quiet.done)
    assert "waiting" in work.began
    await work.turns.quiet("somebody new")
    for name in ("waiting", "other"):
        work.release[name].set()
        await work.tasks[name]


async def test_whoever_is_cancelled_takes_no_turn() -> None:
    work = Work()
    for name in ("running", "first", "gone"):
        await work.ask(name)
    work.tasks.pop("gone").cancel()
    await asyncio.sleep(0)
    assert await work.order() == ["running", "first"]


async def test_whoever_is_cancelled_within_its_turn_gives_it_back() -> None:
    work = Work()
    for name in ("running", "next"):
        await work.ask(name)
    work.tasks["running"].cancel()
    await until(lambda: work.began == ["running", "next"])
    work.release["next"].set()
    await work.tasks["next"]


async def test_a_turn_that_was_given_to_somebody_just_cancelled_goes_on() -> None:
    work = Work()
    for name in ("running", "next", "cancelled"):
        await work.ask(name)
    work.release["running"].set()
    work.tasks["cancelled"].cancel()  # the newest: the turn may be given to it and the cancellation come first
    await until(lambda: "next" in work.began)
    work.release["next"].set()
    await work.tasks["next"]
