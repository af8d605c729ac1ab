"""One Cloud Foundry whose BBS will hang, and the remediators that keep it, each behind a door of its own."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from simulator.actors import ActorOptions
from simulator.demo.story import Story
from simulator.diego import Timings
from simulator.faults import Faults
from simulator.kubelet import KubeletOptions
from tests.crashes import programs
from tests.crashes.chronicle import Chronicle, chronicle
from tests.crashes.cloud_foundry import CloudFoundry, cloud_foundry
from tests.crashes.door import Door, door
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import until
from tests.testbed.process import Process, free_port, serving

Facts = dict[str, Any]
_OPTIONS = ActorOptions(
    timings=Timings(lock_ttl=8, lock_retry=0.2, hang_exit=1.0, clean_exit=0.1),  # long: a busy machine must not lose it
    kubelet=KubeletOptions(interval=0.2),
    label_interval=0.3,
    endpoints_interval=0.2,
)
_QUICK = {
    "rhythm": {"open": 0.5, "list": 0.5, "observe": 1, "resync": 1, "observation_timeout": 5},
    "policy": {"confirm_for": 2, "confirm_observations": 4, "cooldown": 5},
}
_ALERTMANAGERS = [{"url": f"http://{programs.ALERTMANAGER}"}]
_PATIENCE = {"starting": 2, "pending": 60, "restarted_twice": 2}
_TIMEOUTS = {"api": 20}
"""Seconds, so that a message that is held at a door does not time out."""


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
        argv = programs.remediator(self.config, kubeconfig, address)
        log = self.place.folder / f"remediator-{name}.log"
        return await self.stack.enter_async_context(serving(f"remediator {name}", argv, log, address))

    async def fall_ill(self) -> None:
        """Let every BBS hang, and let Alertmanager have the alert."""
        await Faults(self.place.actors).hang()
        await _post_alert(self.place.folder.name)
        self.tell("every BBS hangs, and the alert is there")

    async def record(self) -> Any:
        """The one remediation; None if there is none yet."""
        records = await self.place.items(self.place.remediations_path)
        assert len(records) <= 1, records
        return records[0] if records else None

    async def carried_out(self) -> bool:
        """Whether every planned pod has been dealt with."""
        status = (await self.record())["status"]
        return len(status["deletions"]) == sum(len(step["pods"]) for step in status["plan"]["steps"])

    async def recovery(self) -> None:
        """Wait until the remediation has ended in Recovered."""

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


@contextlib.asynccontextmanager
async def scene(plane: ControlPlane, folder: Path, number: int, story: Story) -> AsyncIterator[Scene]:
    """A scene named as its folder, whose BBS serve."""
    async with contextlib.AsyncExitStack() as stack:
        place = await stack.enter_async_context(cloud_foundry(plane, folder, number, _OPTIONS))
        written = await stack.enter_async_context(chronicle(place))
        environment = place.environment(folder.name, patience=_PATIENCE, timeouts=_TIMEOUTS)
        token, config = folder / "webhook-token", folder / "stagekeeper.yaml"
        token.write_text(secrets.token_urlsafe())
        remediator = {"mode": "act", "webhook": {"token_file": f"{token}"}, "alertmanagers": _ALERTMANAGERS, **_QUICK}
        config.write_text(json.dumps({"environments": [environment], "remediator": remediator}))  # JSON is YAML
        yield Scene(place, written, config, partial(story.tell, folder.name), stack)


async def _post_alert(environment: str) -> None:
    """Give Alertmanager the alert, as Prometheus would."""
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    alert = {"labels": {"alertname": "StagerUnavailable", "environment": environment}, "endsAt": ends}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
        session.post(f"http://{programs.ALERTMANAGER}/api/v2/alerts", json=[alert]) as answer,
    ):
        assert answer.status == 200, await answer.text()
