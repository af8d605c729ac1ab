"""Ten situations of the corpus (docs/incident-format.md) on a real API: which pods the hook deletes, and which ours."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bench import hook
from bench.diego import PATIENCE, Change, Cluster, Diego, diego
from bench.intake import alert, configuration, notification
from bench.numbers import Rounds
from bench.running import TOKEN, Bench, Running
from bench.scraping import write
from bench.table import Goal, Line, Section
from simulator.api_client import pods_path
from simulator.bbs import BBS_PORT
from simulator.layouts import CFEE_2, CFEE_4, Layout
from simulator.listener import BlackHole

FASTER = 20
"""How many times shorter than in production the remediator's waits are."""
WATCHED = 20.0
"""Seconds after the alert in which both may act."""
_BBS = ("diego-api-0", "diego-api-1")
_LOCKET = ("locket-0", "locket-1")
_POLICY = {"confirm_for": 120 / FASTER, "never_for": 120 / FASTER, "cooldown": 0, "locket_settles": 2, "verify_for": 10}
_RHYTHM = {"open": 0.5, "latched": 1, "idle": 1, "observation_timeout": 5}

Play = Callable[[Bench, Diego], Coroutine[Any, Any, None]]


async def _nothing(_bench: Bench, _where: Diego) -> None:
    """Nothing happens."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so when the alert comes, what happens afterwards, and which pods are right to delete."""

    name: str
    right: tuple[str, ...] = ()
    before: Play = _nothing
    after: Play = _nothing
    change: Change = field(default=lambda _pod: {})
    layout: Layout = CFEE_2
    patience: Mapping[str, float] = field(default_factory=lambda: PATIENCE)
    again_after: float | None = None
    """Seconds until the other of two Alertmanagers delivers the alert too."""


async def _serve_on(bench: Bench, where: Diego, pod: str, *, mode: str = "serving", service: bool = True) -> None:
    addresses = [where.address(pod), *([where.network.bbs_service] if service else [])]
    await bench.bbs(where.certificates, *addresses, mode=mode)


async def _serve_once_deleted(bench: Bench, where: Diego, pods: tuple[str, ...], after: float = 0.0) -> None:
    """The cure: the new BBS takes the lock once all of these are gone."""
    while not set(pods) <= set(where.deleted.values()):  # noqa: ASYNC110 -- an API is polled
        await asyncio.sleep(0.1)
    await asyncio.sleep(after)
    await _serve_on(bench, where, _BBS[0])
    await where.label(_BBS[0], "true")


async def _cured_by_restart(bench: Bench, where: Diego) -> None:
    await _serve_once_deleted(bench, where, _BBS)


async def _cured_late(bench: Bench, where: Diego) -> None:
    await _serve_once_deleted(bench, where, _BBS, after=5.0)  # the lock's time to live


async def _cured_by_locket(bench: Bench, where: Diego) -> None:
    await _serve_once_deleted(bench, where, _LOCKET)


async def _other_takes_over(bench: Bench, where: Diego) -> None:
    await asyncio.sleep(2.0)
    await _serve_on(bench, where, _BBS[1])
    await where.label(_BBS[1], "true")


async def _first_of_roll_out(_bench: Bench, where: Diego) -> None:
    """Pod 1 is on its way out, by somebody else's will, and takes its time."""
    where.held = frozenset({_BBS[1]})
    deleted = await where.cluster.send("DELETE", pods_path(where.namespace, _BBS[1]))
    where.earlier = frozenset({deleted["metadata"]["uid"]})


async def _migrates(bench: Bench, where: Diego) -> None:
    await _serve_on(bench, where, _BBS[0], mode="unavailable")


async def _serves_unlabelled(bench: Bench, where: Diego) -> None:
    await _serve_on(bench, where, _BBS[0], service=False)


async def _black_hole(bench: Bench, where: Diego) -> None:
    """Nobody answers at the address of pod 0, not even with a refusal."""
    bench.stack.callback(BlackHole(where.address(_BBS[0]), BBS_PORT).close)


async def _label_stays(_bench: Bench, where: Diego) -> None:
    await where.label(_BBS[0], "true")


def _crash_loop(pod: str) -> Mapping[str, Any]:
    return {"ready": "False", "waiting": "CrashLoopBackOff", "restarts": 7} if pod in _BBS else {}


def _lost_node(pod: str) -> Mapping[str, Any]:
    return {"ready": "Unknown"} if pod == _BBS[0] else {}


SITUATIONS = (
    Situation("1 the tutorial: nobody listens", _BBS, after=_cured_by_restart),
    Situation("2 a fail-over: served again 2 s later", after=_other_takes_over),
    Situation("4 a roll-out: pod 1 is Terminating", before=_first_of_roll_out),
    Situation("5 a migration: 503", before=_migrates, patience={**PATIENCE, "migrating": 3600}),
    Situation("7 the database is down: a crash loop", change=_crash_loop),
    Situation("9 one serves, but its label is lost", before=_serves_unlabelled),
    Situation("10 label active and Ready, port refused", before=_label_stays),
    Situation("12 the node of pod 0 is lost", before=_black_hole, change=_lost_node),
    Situation("14 two Alertmanagers, 3 s apart", _BBS, after=_cured_late, again_after=3.0),
    Situation("26 Locket, in its own StatefulSet, hangs", _LOCKET, after=_cured_by_locket, layout=CFEE_4),
)
"""The numbers are those of the corpus."""


async def situations(bench: Bench, where: Cluster) -> Section:
    """All ten for the hook and all ten for ours, at the same time, on Diegos of their own."""
    section = Section("Ten situations: which pods are deleted")
    async with AsyncExitStack() as stack:
        hooked, ours = [await _stages(bench, where, stack) for _ in range(2)]
        receiver = await hook.receiver(bench, hooked)
        url = await stack.enter_async_context(alertmanager())
        config = _configuration(bench, ours, url)
        remediator = await bench.program("remediator", "remediator", config, where.plane.kubeconfig)
        async with asyncio.timeout(WATCHED * 5), asyncio.TaskGroup() as group:
            kubelets = [group.create_task(_play(each)) for each in (*hooked, *ours)]
            plays = [
                group.create_task(each.after(bench, place))
                for stages in (hooked, ours)
                for each, place in zip(SITUATIONS, stages, strict=True)
            ]
            group.create_task(_alert_hooks(bench, receiver, hooked))
            group.create_task(_alert_ours(bench, remediator))
            await asyncio.sleep(WATCHED / 2 if bench.quick else WATCHED)
            for task in (*kubelets, *plays):
                task.cancel()
        for running in (receiver, remediator):
            await asyncio.to_thread(running.process.stop)
    _judge(section, hooked, ours)
    return section


async def _stages(bench: Bench, where: Cluster, stack: AsyncExitStack) -> list[Diego]:
    """A Diego in each situation."""
    found = []
    for each in SITUATIONS:
        made = await stack.enter_async_context(diego(where, bench.folder, layout=each.layout, change=each.change))
        await each.before(bench, made)
        found.append(made)
    return found


async def _play(where: Diego) -> None:
    while True:
        await where.play()
        await asyncio.sleep(0.3)


async def _alert_hooks(bench: Bench, receiver: Running, stages: list[Diego]) -> None:
    async def alert_one(situation: Situation, where: Diego) -> None:
        await _post(bench, receiver.url + hook.url_path(where), "cf")
        if situation.again_after is not None:
            await asyncio.sleep(situation.again_after)
            await _post(bench, receiver.url + hook.url_path(where), "cf")

    await asyncio.gather(*map(alert_one, SITUATIONS, stages))


async def _alert_ours(bench: Bench, remediator: Running) -> None:
    async def alert_one(number: int, situation: Situation) -> None:
        for wait in (0.0, situation.again_after):
            if wait is not None:
                await asyncio.sleep(wait)
                await _post(bench, f"{remediator.url}/api/v1/alerts", f"cf-{number}")

    await asyncio.gather(*(alert_one(number, each) for number, each in enumerate(SITUATIONS)))


async def _post(bench: Bench, url: str, environment: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with bench.session.post(url, json=notification([alert(environment)]), headers=headers) as answer:
        await answer.read()


def _configuration(bench: Bench, stages: list[Diego], alertmanager_url: str) -> Any:
    environments = [
        place.environment(f"cf-{number}", patience=dict(situation.patience))
        for number, (situation, place) in enumerate(zip(SITUATIONS, stages, strict=True))
    ]
    more = {"mode": "act", "rhythm": _RHYTHM, "policy": _POLICY, "alertmanagers": [{"url": alertmanager_url}]}
    return write(bench.path("situations.yaml"), configuration(bench.folder, environments, **more))


def _judge(section: Section, hooked: list[Diego], ours: list[Diego]) -> None:
    section.cells.append(("situation", "right to delete", "ours deleted", "the hook deleted"))
    right = {"ours": 0, "hook": 0}
    for situation, mine, theirs in zip(SITUATIONS, ours, hooked, strict=True):
        wanted = Counter(situation.right)
        told = []
        for who, place in (("ours", mine), ("hook", theirs)):
            deleted = Counter(place.deleted.values())
            right[who] += deleted == wanted
            told.append(_names(deleted) if deleted == wanted else f"WRONG: {_names(deleted)}")
        section.cells.append((situation.name, _names(wanted), *told))
    all_right = Goal("all right", lambda line: line.ours.median == len(SITUATIONS))
    counts = Rounds((float(right["ours"]),)), Rounds((float(right["hook"]),))
    said = f"right, of {len(SITUATIONS)}"
    section.lines.append(Line(said, "", counts[0], "webhook + nc + kubectl", counts[1], all_right))
    section.notes.append(
        f"Both get the alert at the same moment; the remediator's waits are {FASTER} times shorter than in production. "
        "The numbers are those of the incident corpus."
    )


def _names(deleted: Counter[str]) -> str:
    """The pods of each StatefulSet: `diego-api 0,1`; a pod that was deleted twice stands there twice."""
    by_owner: dict[str, list[str]] = {}
    for name in sorted(deleted.elements()):
        owner, _, ordinal = name.rpartition("-")
        by_owner.setdefault(owner, []).append(ordinal)
    return " ".join(f"{owner} {','.join(ordinals)}" for owner, ordinals in by_owner.items()) or "nothing"


@asynccontextmanager
async def alertmanager() -> AsyncIterator[str]:
    """An Alertmanager in which every alert that is asked for is active."""

    async def alerts(request: web.Request) -> web.Response:
        wanted = dict(each.replace('"', "").split("=", 1) for each in request.query.getall("filter", []))
        found = {
            "labels": wanted,
            "status": {"state": "active"},
            "startsAt": "2026-11-23T12:00:00Z",
            "fingerprint": "1",
        }
        return web.json_response([found])

    app = web.Application()
    app.router.add_get("/api/v2/alerts", alerts)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
