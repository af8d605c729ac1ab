"""`python -m tests.crashes.stories FOLDER`, inside a network namespace: remediators that die, stall or race.

Each story has a Cloud Foundry of its own on one real control plane; all play at the same time. Each writes
FOLDER/STORY.json: what was seen, or under `problem` why it could not be.
"""

import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from simulator.demo.story import Story
from tests.crashes import programs
from tests.crashes.cloud_foundry import prepare
from tests.crashes.door import Door, Hold, Message
from tests.crashes.moments import (
    asks_for_pause,
    delete_is_next,
    deletion_is_noted,
    plan_is_asked_for,
    plan_is_written,
    pod_is_deleted,
    verifies,
)
from tests.crashes.scene import Facts, Scene, scene
from tests.testbed.binaries import find_binaries
from tests.testbed.control_plane import ControlPlane, control_plane
from tests.testbed.patience import HANG_GUARD, until
from tests.testbed.process import Process, serving

_OBSERVATION_AGE = 10.0
"""Seconds after which an observation decides nothing any more (remediator/policy.py)."""


async def killed(on: Scene, at: Callable[[Door, Message], bool]) -> Facts:
    """A remediator is killed (SIGKILL) at one moment; another one, started afterwards, goes on.

    The successor of the pod that is deleted first gets no node before the whole plan is carried out: if it served
    before, the rest of the plan would rightly be left undone.
    """
    before = await on.place.uids()
    unschedulable = on.place.actors.kubelet.unschedulable
    unschedulable.add(min(before))
    opened = await on.open_door("first")
    hold = opened.hold(partial(at, opened))
    first = await on.start("first")
    await on.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.kill)
    on.tell("the first remediator is killed")
    plan = (await on.record())["status"]["plan"]
    hold.release()
    await on.start("second")
    await until(on.carried_out, f"{on.place.folder.name}: the deletion of every planned pod")
    unschedulable.clear()
    await on.recovery()
    return await on.facts(before, plan_at_death=plan, exit_code=first.exit_code)


async def race(on: Scene) -> Facts:
    """Two remediators at once, both of which want to write the plan in the same instant."""
    before = await on.place.uids()
    holds = [(await on.open_door(name)).hold(plan_is_asked_for) for name in ("first", "second")]
    await asyncio.gather(*(on.start(name) for name in on.doors))
    await on.fall_ill()
    await asyncio.gather(*(_reached(hold) for hold in holds))
    on.tell("both want to write the plan")
    for hold in holds:
        hold.release()
    await on.recovery()
    swaps = [
        message.status
        for opened in on.doors.values()
        for message in opened.messages
        if message.recorded.get("phase") == "Restarting" and not message.recorded["deletions"]
    ]
    return await on.facts(before, swaps=sorted(status or 0 for status in swaps))


async def stalled(on: Scene) -> Facts:
    """One stands still (SIGSTOP) right before its first deletion.

    Another does everything, and its observation gets old.
    """
    before = await on.place.uids()
    opened = await on.open_door("first")
    hold = opened.hold(partial(delete_is_next, opened))
    first = await on.start("first")
    await on.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.freeze)
    since = time.monotonic()
    on.tell("the first remediator stands still")
    hold.release()
    await on.start("second")
    await on.recovery()
    await asyncio.sleep(max(0.0, since + _OBSERVATION_AGE + 1 - time.monotonic()))
    await _wake(on, first, opened)
    return await on.facts(before)


async def late(on: Scene) -> Facts:
    """One stands still while its first deletion is on its way; that arrives when another has done everything."""
    before = await on.place.uids()
    opened = await on.open_door("first")
    hold = opened.hold(lambda message: message.deletes_pod and message.status is None)
    first = await on.start("first")
    await on.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.freeze)
    on.tell("the first remediator stands still, its deletion on the way")
    await on.start("second")
    await on.recovery()
    hold.release()
    await until(lambda: _answered(opened), "an answer to the late deletion")
    await _wake(on, first, opened)
    return await on.facts(before)


async def _wake(on: Scene, process: Process, opened: Door) -> None:
    """Let a process go on (SIGCONT), and wait until its worker has had two more turns."""
    had = _turns(opened)
    process.thaw()
    on.tell("it goes on")

    async def twice() -> bool:
        return _turns(opened) >= had + 2

    await until(twice, "two more turns of the remediator that stood still")


def _turns(opened: Door) -> int:
    """How often the worker has asked whether it is paused: once in each turn, whatever else it does."""
    return sum(asks_for_pause(message) for message in opened.messages)


async def _answered(opened: Door) -> bool:
    return all(message.status is not None for message in opened.deletions())


async def _reached(hold: Hold) -> None:
    async with asyncio.timeout(HANG_GUARD):
        await hold.reached.wait()


STORIES: dict[str, Callable[[Scene], Awaitable[Facts]]] = {
    "plan-written": partial(killed, at=lambda _, message: plan_is_written(message)),
    "first-deleted": partial(killed, at=partial(pod_is_deleted, 1)),
    "first-noted": partial(killed, at=lambda _, message: deletion_is_noted(message)),
    "last-deleted": partial(killed, at=partial(pod_is_deleted, 2)),
    "verifying": partial(killed, at=lambda _, message: verifies(message)),
    "race": race,
    "stalled": stalled,
    "late": late,
}


async def _played(plane: ControlPlane, folder: Path, number: int, story: Story) -> None:
    try:
        async with scene(plane, folder, number, story) as on:
            facts = await STORIES[folder.name](on)
    except Exception:  # noqa: BLE001 -- the edge: the other stories go on, and this one is reported
        facts = {"problem": traceback.format_exc()}
    folder.with_suffix(".json").write_text(json.dumps(facts))


async def _play(plane: ControlPlane, folder: Path) -> None:
    prepare(plane)
    story = Story()
    story.begin()
    receiver = {"name": "stagekeeper"}  # it calls nobody: the stories send the webhooks
    configured = {"route": {"receiver": receiver["name"]}, "receivers": [receiver]}
    (folder / "alertmanager.yaml").write_text(json.dumps(configured))
    log = folder / "alertmanager.log"
    async with serving("alertmanager", programs.alertmanager(folder), log, programs.ALERTMANAGER):
        numbered = enumerate(STORIES, 1)
        await asyncio.gather(*(_played(plane, folder / name, number, story) for number, name in numbered))


def main() -> None:
    """Play on a control plane of our own."""
    folder = Path(sys.argv[1])
    with control_plane(folder / "control-plane", find_binaries()) as plane:
        asyncio.run(_play(plane, folder))


if __name__ == "__main__":
    main()
