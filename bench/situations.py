"""Ten situations: which pods the alert hook deletes, and which the remediator."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bench.restarting import alert_hook, deletes, hook
from bench.running import Bench, active_alertmanager, notification
from bench.table import Line, Rounds, Section, goal
from simulator.demo import configuration
from simulator.demo.configuration import FASTER, Ports
from simulator.demo.scenarios import Cause
from simulator.environment import Environment
from simulator.layouts import CFEE_2, CFEE_4, KUBECF, Layout

WATCHED = 20.0
"""Seconds after the alert in which both may act."""
AT_ONCE = 2  # situations; each is two environments and a remediator


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so when the alert comes, and whose pods, all of them and each once, are right to delete."""

    name: str
    cause: Cause
    right: frozenset[str] = frozenset()
    layout: Layout = CFEE_2
    alertmanagers: int = 1


async def _roll_out(environment: Environment) -> None:
    """Nobody listens, and pod 1 is on its way out by somebody else's will, and takes its time."""
    await environment.faults.terminating_slow()
    await environment.faults.hang()
    await environment.actors.place.api.send("DELETE", f"/api/v1/namespaces/{environment.namespace}/pods/diego-api-1")


_BBS = frozenset({"diego-api"})
SITUATIONS = (
    Situation("the tutorial: nobody listens", lambda cf: cf.faults.hang(), _BBS),
    Situation("a fail-over: served again some seconds later", lambda cf: cf.faults.failover()),
    Situation("a roll-out: pod 1 is Terminating", _roll_out),
    Situation("a migration: 503", lambda cf: cf.faults.migrating(40)),
    Situation("the certificate has expired", lambda cf: cf.faults.certificate()),
    Situation("the database is down: a crash loop", lambda cf: cf.faults.database(), layout=KUBECF),
    Situation("one serves, but its label is lost", lambda cf: cf.faults.label_not_patched()),
    Situation("the node of the active pod is lost", lambda cf: cf.faults.node_down()),
    Situation("nobody listens; two Alertmanagers, 3 s apart", lambda cf: cf.faults.hang(), _BBS, alertmanagers=2),
    Situation("Locket, in its own StatefulSet, hangs", lambda cf: cf.faults.locket(), _BBS | {"locket"}, CFEE_4),
)


async def situations(bench: Bench) -> Section:
    """All ten for the hook and all ten for ours, at the same time, on environments of their own."""
    section = Section("Ten situations: which pods are deleted")
    played = SITUATIONS[:2] if bench.quick else SITUATIONS
    turns = asyncio.Semaphore(AT_ONCE)
    rows = await asyncio.gather(*(_play(bench, turns, number, each) for number, each in enumerate(played)))
    section.cells += [("situation", "right to delete", "ours deleted", "the hook deleted"), *rows]
    right = [Rounds.of(sum(not row[column].startswith("WRONG") for row in rows)) for column in (2, 3)]
    wanted = goal("all right", met=right[0].median == len(played))
    section.lines.append(Line(f"right, of {len(played)}", "", right[0], "webhook + nc + kubectl", right[1], wanted))
    section.notes.append(
        f"Both get the alert at the same moment; waits are {FASTER} times shorter than in production, as in the demo."
    )
    return section


async def _play(bench: Bench, turns: asyncio.Semaphore, number: int, situation: Situation) -> tuple[str, ...]:
    """One row of the table."""
    async with turns, active_alertmanager() as url:
        ours, hooked = [await bench.environment(f"{who}-{number}", situation.layout) for who in ("ours", "hooked")]
        receiver = await hook(bench, f"hook-{number}", hooked)
        ports = Ports(exporter=0, remediator=0, prometheus=0, alertmanager=int(url.rpartition(":")[2]))
        files = configuration.write(bench.folder / f"ours-{number}", ours, ports)
        token = (files.folder / "webhook-token").read_text()
        remediator = await bench.program("remediator", files.stagekeeper, ours.kubeconfig, f"remediator-{number}")
        alerts = asyncio.gather(
            _alert(situation, ours, lambda: bench.alert(remediator, notification(configuration.NAME), token)),
            _alert(situation, hooked, lambda: alert_hook(bench, receiver)),
        )
        await asyncio.sleep(WATCHED)
        await alerts
        with suppress(TimeoutError):  # a busy machine is slow, not wrong
            await ours.wait_until(lambda: len(deletes(ours)) >= len(_pods(ours, situation.right)), timeout=60)
        found = [Counter(each.path.rpartition("/")[2] for each in deletes(place)) for place in (ours, hooked)]
        await asyncio.gather(remediator.stop(), receiver.stop())
    wanted = Counter(dict.fromkeys(_pods(ours, situation.right), 1))
    told = [_names(each) if each == wanted else f"WRONG: {_names(each)}" for each in found]
    return situation.name, _names(wanted), *told


async def _alert(situation: Situation, where: Environment, send: Callable[[], Awaitable[object]]) -> None:
    """Cause it; the alert comes once the Service does not answer, if ever it does not."""
    await situation.cause(where)
    with suppress(TimeoutError):
        await where.wait_for_service(serving=False, timeout=5)
    for number in range(situation.alertmanagers):
        await asyncio.sleep(number * 3.0)  # the other of two Alertmanagers delivers it later
        await send()


def _pods(environment: Environment, owners: frozenset[str]) -> list[str]:
    found = (each for each in environment.layout.workloads if each.name in owners)
    return [f"{each.name}-{ordinal}" for each in found for ordinal in range(each.replicas)]


def _names(deleted: Counter[str]) -> str:
    """A pod that was deleted twice stands there twice."""
    return ", ".join(sorted(deleted.elements())) or "nothing"
