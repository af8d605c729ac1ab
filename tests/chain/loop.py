"""`python -m tests.chain.loop FOLDER`, inside a network namespace: plays a fail-over, then a hang, on one stage.

Writes FOLDER/failover.json and FOLDER/hang.json: what was seen, or under `problem` why it could not be.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.actors import ActorOptions
from simulator.demo.story import Story
from simulator.diego import Timings
from simulator.faults import Faults
from tests.chain import configuration, programs
from tests.chain.chronicle import Change, Chronicle, chronicle
from tests.chain.cloud_foundry import CloudFoundry, cloud_foundry, prepare, until
from tests.chain.configuration import ALERTMANAGER, ENVIRONMENT, REMEDIATOR, UNAVAILABLE_FOR
from tests.testbed.binaries import find_binaries
from tests.testbed.control_plane import ControlPlane, control_plane

_OPTIONS = ActorOptions(
    timings=Timings(lock_ttl=2.0, lock_retry=0.2, hang_exit=2.0, clean_exit=0.1), label_interval=0.3, bbs_processes=True
)
_REACHABLE = f'bbs_reachable{{environment="{ENVIRONMENT}"}}'
_ALERT = f'ALERTS{{alertname="StagerUnavailable",environment="{ENVIRONMENT}"}}'
_FIRING = _ALERT.replace("}", ',alertstate="firing"}')
_ENDED = {"Recovered", "SelfHealed", "Observed", "Escalated"}
_OTHER_PLAN = {"decidedAt": "2026-01-01T00:00:00Z", "diagnosis": "no_active_bbs", "steps": []}
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and where the story is told."""

    place: CloudFoundry
    faults: Faults
    chronicle: Chronicle
    story: Story


@contextlib.asynccontextmanager
async def stage(plane: ControlPlane, folder: Path) -> AsyncIterator[Stage]:
    """Diego, Alertmanager, exporter, remediator and Prometheus; handed over once Prometheus has seen all of it."""
    story = Story()
    async with contextlib.AsyncExitStack() as stack:
        place = await stack.enter_async_context(cloud_foundry(plane, folder / "cf", 1, _OPTIONS))
        written = await stack.enter_async_context(chronicle(place, lambda change: _tell_phase(story, change)))
        config = _write_files(folder, place)
        for name, argv, address in _commands(folder, place, config):
            log = folder / f"{name}.log"
            await stack.enter_async_context(programs.running(name, argv, log, address))
        await until(_all_seen, "a first scrape of both programs")
        yield Stage(place, Faults(place.actors), written, story)


def _write_files(folder: Path, place: CloudFoundry) -> Path:
    token = configuration.write_token(folder)
    environment = place.environment(ENVIRONMENT, patience=configuration.PATIENCE)
    (folder / "rules.yaml").write_text(configuration.rules())
    configuration.dump(folder / "prometheus.yaml", configuration.prometheus())
    configuration.dump(folder / "alertmanager.yaml", configuration.alertmanager(token))
    return configuration.dump(folder / "stagekeeper.yaml", configuration.stagekeeper(environment, token))


def _commands(folder: Path, place: CloudFoundry, config: Path) -> list[tuple[str, list[str | Path], str]]:
    kubeconfigs = {name: place.kubeconfig(f"stagekeeper-{name}") for name in ("exporter", "remediator")}
    addresses = {"exporter": configuration.EXPORTER, "remediator": configuration.REMEDIATOR}
    return [
        ("alertmanager", programs.alertmanager(folder), ALERTMANAGER),
        *((name, programs.ours(name, config, kubeconfigs[name], at), at) for name, at in addresses.items()),
        ("prometheus", programs.prometheus(folder), configuration.PROMETHEUS),
    ]


async def _all_seen() -> bool:
    remediator = await programs.value('up{job="stagekeeper-remediator"}')
    return remediator == 1 and await programs.value(_REACHABLE) == 1


async def failover(on: Stage) -> Facts:
    """The process of the active BBS is killed; the other takes over, sooner than the alert waits."""
    before = await on.place.uids()
    await on.faults.failover()
    await _until(f"{_REACHABLE} == 0", on, "bbs_reachable is 0")
    await _until(f"{_REACHABLE} == 1", on, "bbs_reachable is 1")
    # Whatever was on its way would have come by now: the service has been back for longer than the alert waits.
    await _until(f"min_over_time({_REACHABLE}[{UNAVAILABLE_FOR + 2:.0f}s]) == 1", on, "the BBS has served for a while")
    return {
        "before": before,
        "after": await on.place.uids(),
        "pending_samples": await programs.value(f'sum(count_over_time({_ALERT[:-1]},alertstate="pending"}}[1m]))'),
        "firing_samples": await programs.value(f"sum(count_over_time({_FIRING}[1m]))"),
        "deletions": on.chronicle.deletions(),
        "remediations": await on.place.items(on.place.remediations_path),
    }


async def hang(on: Stage) -> Facts:
    """The database's path is cut; both BBS hang in their first Lock(), until they are restarted."""
    before = await on.place.uids()
    await on.faults.hang()
    await _until(f"{_FIRING} == 1", on, "alert StagerUnavailable fires")
    fired: list[Facts] = []

    async def told() -> bool:
        fired[:] = await programs.asked(f"http://{ALERTMANAGER}/api/v2/alerts", filter='alertname="StagerUnavailable"')
        return bool(fired)

    await until(told, "the alert in Alertmanager")

    async def ended() -> bool:
        return any(each.get("status", {}).get("phase") in _ENDED for each in await _records(on))

    await until(ended, "the end of the remediation")
    await _until(f"absent({_FIRING})", on, "alert StagerUnavailable is resolved")
    await until(_told_of_the_end, "Alertmanager's notification that it is over")
    on.story.tell("alertmanager", "the remediator is told that it is over")
    return {
        "before": before,
        "after": await on.place.uids(),
        "serves": await on.place.serves(),
        "fired": fired,
        "deletions": on.chronicle.deletions(),
        "names": on.chronicle.names(),
        "plans": list(on.chronicle.plans().items()),
        "phases": _phases(on.chronicle),
        "remediations": await _records(on),
        "events": await on.place.items(f"/api/v1/namespaces/{on.place.namespace}/events"),
        "notifications": await programs.asked(f"http://{ALERTMANAGER}/metrics"),
        "webhook": await programs.asked(f"http://{REMEDIATOR}/metrics"),
        "kubectl": await on.place.kubectl("get", "remediations"),
        "refusals": await _refusals(on),
    }


async def _records(on: Stage) -> list[Any]:
    return await on.place.items(on.place.remediations_path)


async def _until(query: str, on: Stage, sentence: str) -> None:
    async def holds() -> bool:
        on.place.actors.check()
        return await programs.value(query) is not None

    await until(holds, sentence)
    on.story.tell("prometheus", sentence)


async def _told_of_the_end() -> bool:
    """Whether a "resolved" has come by webhook: an alert for which the remediator only looked."""
    return '\nstagekeeper_webhook_alerts_total{judgement="looked"} 1.0\n' in await programs.asked(
        f"http://{REMEDIATOR}/metrics"
    )


async def _refusals(on: Stage) -> dict[str, str]:
    """What the API server says to somebody with all rights who rewrites history."""
    name = (await _records(on))[0]["metadata"]["name"]
    attempts = {
        "spec": ("--type=merge", '--patch={"spec":{"why":"another reason"}}'),
        "plan": ("--subresource=status", "--type=merge", f"--patch={json.dumps({'status': {'plan': _OTHER_PLAN}})}"),
        "no plan": ("--subresource=status", "--type=merge", '--patch={"status":{"plan":null}}'),
        "phase": ("--subresource=status", "--type=merge", '--patch={"status":{"phase":"Watching"}}'),
    }
    said = {}
    for what, arguments in attempts.items():
        try:
            said[what] = f"ACCEPTED: {await on.place.kubectl('patch', 'remediation', name, *arguments)}"
        except subprocess.CalledProcessError as refusal:
            said[what] = str(refusal.stderr)
    return said


def _phases(written: Chronicle) -> list[str]:
    """The phases of the remediation in the order in which they stood in the API."""
    found = [change.object.get("status", {}).get("phase", "") for change in written.remediations]
    return [phase for number, phase in enumerate(found) if number == 0 or phase != found[number - 1]]


def _tell_phase(story: Story, change: Change) -> None:
    status = change.object.get("status", {})
    story.tell("api server", f"{change.name}: {status.get('phase', 'created')}. {status.get('message', '')}".rstrip())


async def _played(on: Stage, title: str, play: Callable[[Stage], Awaitable[Facts]]) -> Facts:
    """The facts of one story; under `problem` why it ended early."""
    on.story.say(f"\n{title}")
    on.story.begin()
    stop = on.place.journal.subscribe(lambda entry: on.story.tell(entry.who, entry.sentence))
    try:
        return await play(on)
    except Exception:  # noqa: BLE001 -- the edge: the next story is still to be played, and this one to be reported
        problem = traceback.format_exc()
        records = await on.place.kubectl("get", "remediations", "--output=yaml")
        pods = await on.place.kubectl("get", "pods", "--output=wide", "--show-labels")
        return {"problem": f"{problem}\n{records}\n{pods}"}
    finally:
        stop()


async def _play(plane: ControlPlane, folder: Path) -> None:
    prepare(plane)
    async with stage(plane, folder) as on:
        # The fail-over first: for a while after a restart the rules excuse an outage as planned work.
        for play in (failover, hang):
            facts = await _played(on, str(play.__doc__), play)
            configuration.dump(folder / f"{play.__name__}.json", facts)


def main() -> None:
    """Play on a control plane of our own."""
    folder = Path(sys.argv[1])
    with control_plane(folder / "control-plane", find_binaries()) as plane:
        asyncio.run(_play(plane, folder))


if __name__ == "__main__":
    main()
