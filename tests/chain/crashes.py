"""`python -m tests.chain.crashes FOLDER`, inside a network namespace: remediators that die, stall or race.

Each story has a Cloud Foundry of its own on one real control plane; all play at the same time. Each writes
FOLDER/STORY.json: what was seen, or under `problem` why it could not be.
"""

import asyncio
import contextlib
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from stagekeeper.simulator.actors import ActorOptions
from stagekeeper.simulator.demo.story import Story
from stagekeeper.simulator.diego import Timings
from stagekeeper.simulator.faults import Faults
from stagekeeper.simulator.kubelet import KubeletOptions
from tests.chain import configuration, programs
from tests.chain.chronicle import Chronicle, chronicle
from tests.chain.cloud_foundry import CloudFoundry, cloud_foundry, prepare, until
from tests.chain.configuration import ALERTMANAGER
from tests.chain.door import Door, Hold, Message, door
from tests.testbed.binaries import find_binaries
from tests.testbed.control_plane import ControlPlane, control_plane
from tests.testbed.process import Process, free_port

_OPTIONS = ActorOptions(
    timings=Timings(lock_ttl=1.5, lock_retry=0.2, hang_exit=1.0, clean_exit=0.1),
    kubelet=KubeletOptions(interval=0.2),
    label_interval=0.3,
    endpoints_interval=0.2,
)
_QUICK = {
    "rhythm": {"open": 0.5, "latched": 1, "idle": 0.5, "resync": 1, "look_timeout": 5},
    "policy": {"confirm_for": 2, "confirm_looks": 4, "cooldown": 5},
}
_PATIENCE = {"starting": 2, "pending": 60, "restarted_twice": 2}
_TIMEOUTS = {"api": 20}
"""Seconds, so that a message that is held at a door does not time out."""
_LOOK_AGE = 10.0
"""Seconds after which a look decides nothing any more (remediator/policy.py)."""
Facts = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """One Cloud Foundry whose BBS will hang, and the remediators that keep it."""

    place: CloudFoundry
    chronicle: Chronicle
    config: Path
    tell: Callable[[str], None]
    stack: contextlib.AsyncExitStack
    doors: dict[str, Door] = field(default_factory=dict)

    async def open_door(self, name: str) -> Door:
        """A way to the API for the remediator `name`, to be called before it starts."""
        self.doors[name] = await self.stack.enter_async_context(door(self.place.plane))
        return self.doors[name]

    async def start(self, name: str) -> Process:
        """Start a remediator; returns once it is ready."""
        opened = self.doors.get(name) or await self.open_door(name)
        kubeconfig = await asyncio.to_thread(
            self.place.kubeconfig, "stagekeeper-remediator", opened.url, f"remediator-{name}"
        )
        address = f"127.0.0.1:{free_port()}"
        argv = programs.ours("remediator", self.config, kubeconfig, address)
        log = self.place.folder / f"remediator-{name}.log"
        return await self.stack.enter_async_context(programs.running(f"remediator {name}", argv, log, address))

    async def fall_ill(self) -> None:
        """Let every BBS hang, and let Alertmanager have the alert."""
        await Faults(self.place.actors).hang()
        await _post_alert(self.place.folder.name)
        self.tell("every BBS hangs, and the alert is there")

    async def record(self) -> Any:
        """The one episode; None if there is none yet."""
        records = await self.place.items(self.place.remediations_path)
        assert len(records) <= 1, records
        return records[0] if records else None

    async def carried_out(self) -> bool:
        """Whether every planned pod has been dealt with."""
        status = (await self.record())["status"]
        return len(status["deletions"]) == sum(len(step["pods"]) for step in status["plan"]["steps"])

    async def recovery(self) -> None:
        """Wait until the episode has ended in Recovered."""

        async def recovered() -> bool:
            self.place.actors.check()
            record = await self.record()
            return bool(record and record.get("status", {}).get("phase") == "Recovered")

        await until(recovered, f"{self.place.folder.name}: the recovery")
        self.tell("recovered")

    async def facts(self, before: dict[str, str], **more: Any) -> Facts:
        """What every story is judged by."""
        return {
            "before": before,
            "after": await self.place.uids(),
            "names": self.chronicle.names(),
            "deletions": self.chronicle.deletions(),
            "plans": list(self.chronicle.plans().values()),
            "record": await self.record(),
            "requests": [
                {"by": name, "uid": each.body.get("preconditions", {}).get("uid"), "status": each.status}
                for name, opened in self.doors.items()
                for each in opened.deletions()
            ],
            **more,
        }


def plan_is_written(message: Message) -> bool:
    """The answer to the swap that writes the plan."""
    return message.accepted and message.recorded.get("phase") == "Restarting" and not message.recorded["deletions"]


def plan_is_asked_for(message: Message) -> bool:
    """That swap itself, on its way in."""
    return message.status is None and message.recorded.get("phase") == "Restarting"


def deletion_is_noted(message: Message) -> bool:
    """The answer to the swap that notes the first deletion."""
    return (
        message.accepted and message.recorded.get("phase") == "Restarting" and len(message.recorded["deletions"]) == 1
    )


def verifies(message: Message) -> bool:
    """The answer to the swap into Verifying."""
    return message.accepted and message.recorded.get("phase") == "Verifying"


def pod_is_deleted(number: int, opened: Door, message: Message) -> bool:
    """The answer to the first, second ... deletion that was accepted."""
    return message.deletes_pod and message.accepted and sum(each.accepted for each in opened.deletions()) == number


def delete_is_next(opened: Door, message: Message) -> bool:
    """The answer to the last question before the first deletion: whether somebody has paused."""
    return (
        message.status is not None
        and message.path.endswith("/configmaps/stagekeeper-pause")
        and any(plan_is_written(each) for each in opened.messages)
    )


async def killed(scene: Scene, at: Callable[[Door, Message], bool]) -> Facts:
    """A remediator is killed (SIGKILL) at one moment; another one, started afterwards, goes on.

    The successor of the pod that is deleted first gets no node before the whole plan is carried out: if it served
    before, the rest of the plan would rightly be left undone.
    """
    before = await scene.place.uids()
    unschedulable = scene.place.actors.kubelet.unschedulable
    unschedulable.add(min(before))
    opened = await scene.open_door("first")
    hold = opened.hold(partial(at, opened))
    first = await scene.start("first")
    await scene.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.kill)
    scene.tell("the first remediator is killed")
    plan = (await scene.record())["status"]["plan"]
    hold.release()
    await scene.start("second")
    await until(scene.carried_out, f"{scene.place.folder.name}: the deletion of every planned pod")
    unschedulable.clear()
    await scene.recovery()
    return await scene.facts(before, plan_at_death=plan, exit_code=first.exit_code)


async def race(scene: Scene) -> Facts:
    """Two remediators at once, both of which want to write the plan in the same instant."""
    before = await scene.place.uids()
    holds = [(await scene.open_door(name)).hold(plan_is_asked_for) for name in ("first", "second")]
    await asyncio.gather(*(scene.start(name) for name in scene.doors))
    await scene.fall_ill()
    await asyncio.gather(*(_reached(hold) for hold in holds))
    scene.tell("both want to write the plan")
    for hold in holds:
        hold.release()
    await scene.recovery()
    swaps = [
        message.status
        for opened in scene.doors.values()
        for message in opened.messages
        if message.recorded.get("phase") == "Restarting" and not message.recorded["deletions"]
    ]
    return await scene.facts(before, swaps=sorted(status or 0 for status in swaps))


async def stalled(scene: Scene) -> Facts:
    """One stands still (SIGSTOP) right before its first deletion; another does everything, and its look gets old."""
    before = await scene.place.uids()
    opened = await scene.open_door("first")
    hold = opened.hold(partial(delete_is_next, opened))
    first = await scene.start("first")
    await scene.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.freeze)
    since = time.monotonic()
    scene.tell("the first remediator stands still")
    hold.release()
    await scene.start("second")
    await scene.recovery()
    await asyncio.sleep(max(0.0, since + _LOOK_AGE + 1 - time.monotonic()))
    await _wake(scene, first, opened)
    return await scene.facts(before)


async def late(scene: Scene) -> Facts:
    """One stands still while its first deletion is on its way; that arrives when another has done everything."""
    before = await scene.place.uids()
    opened = await scene.open_door("first")
    hold = opened.hold(lambda message: message.deletes_pod and message.status is None)
    first = await scene.start("first")
    await scene.fall_ill()
    await _reached(hold)
    await asyncio.to_thread(first.freeze)
    scene.tell("the first remediator stands still, its deletion on the way")
    await scene.start("second")
    await scene.recovery()
    hold.release()
    await until(lambda: _answered(opened), "an answer to the late deletion")
    await _wake(scene, first, opened)
    return await scene.facts(before)


async def _wake(scene: Scene, process: Process, opened: Door) -> None:
    """Let a process go on (SIGCONT), and wait until it has looked at the records twice again."""
    asked = _listings(opened)
    process.thaw()
    scene.tell("it goes on")

    async def twice() -> bool:
        return _listings(opened) >= asked + 2

    await until(twice, "two more turns of the remediator that stood still")


def _listings(opened: Door) -> int:
    return sum(message.method == "GET" and message.path.endswith("/remediations") for message in opened.messages)


async def _answered(opened: Door) -> bool:
    return all(message.status is not None for message in opened.deletions())


async def _reached(hold: Hold) -> None:
    async with asyncio.timeout(60):
        await hold.reached.wait()


async def _post_alert(environment: str) -> None:
    """Give Alertmanager the alert, as Prometheus would."""
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    alert = {"labels": {"alertname": "StagerUnavailable", "environment": environment}, "endsAt": ends}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
        session.post(f"http://{ALERTMANAGER}/api/v2/alerts", json=[alert]) as answer,
    ):
        assert answer.status == 200, await answer.text()


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


@contextlib.asynccontextmanager
async def _scene(plane: ControlPlane, folder: Path, number: int, story: Story) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        place = await stack.enter_async_context(cloud_foundry(plane, folder, number, _OPTIONS))
        written = await stack.enter_async_context(chronicle(place, lambda _: None))
        environment = place.environment(folder.name, patience=_PATIENCE, timeouts=_TIMEOUTS)
        token = configuration.write_token(folder)
        document = configuration.stagekeeper(environment, token, **_QUICK)
        config = configuration.dump(folder / "stagekeeper.yaml", document)
        yield Scene(place, written, config, partial(story.tell, folder.name), stack)


async def _played(plane: ControlPlane, folder: Path, number: int, story: Story) -> None:
    try:
        async with _scene(plane, folder, number, story) as scene:
            facts = await STORIES[folder.name](scene)
    except Exception:  # noqa: BLE001 -- the edge: the other stories go on, and this one is reported
        facts = {"problem": traceback.format_exc()}
    configuration.dump(folder.with_suffix(".json"), facts)


async def _play(plane: ControlPlane, folder: Path) -> None:
    prepare(plane)
    story = Story()
    story.begin()
    configuration.dump(
        folder / "alertmanager.yaml", {"route": {"receiver": "people"}, "receivers": [{"name": "people"}]}
    )
    log = folder / "alertmanager.log"
    async with programs.running("alertmanager", programs.alertmanager(folder), log, ALERTMANAGER):
        numbered = enumerate(STORIES, 1)
        await asyncio.gather(*(_played(plane, folder / name, number, story) for number, name in numbered))


def main() -> None:
    """Play on a control plane of our own."""
    folder = Path(sys.argv[1])
    with control_plane(folder / "control-plane", find_binaries()) as plane:
        asyncio.run(_play(plane, folder))


if __name__ == "__main__":
    main()
