"""From open gates to the last DELETE: the remediator's worker, the same calls made bare, and an alert hook."""

import asyncio
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from bench import hook, machine
from bench.diego import Cluster, Diego, Object, diego
from bench.intake import alert, notification, record_to_create
from bench.numbers import Rounds
from bench.running import Bench, Running
from bench.table import Goal, Line, Section, ratio_at_most
from remediator.cluster import Cluster as Watched
from remediator.metrics import Metrics
from remediator.policy import Mode, Policy
from remediator.remediation import Request
from remediator.worker import Rhythm, Target, Worker
from stagekeeper.diego.environments import environments
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.client import Call, Kube, Response, connect
from stagekeeper.settings import Document

_NONE = timedelta(0)
POLICY = Policy(
    Mode.ACT, confirm_for=_NONE, confirm_observations=1, cooldown=_NONE, budget=1000, hold_off=_NONE, largest_plan=6
)
"""Every gate opens at the first observation: what is measured begins there."""
AGE = 2.0
"""Seconds after which a pod is not as young as the API server's whole seconds can tell."""
_PLANNED = 2
_MILLI = 1000.0


@dataclass(frozen=True, slots=True)
class Made:
    """One call of the worker's: when it began and ended, in seconds of one clock."""

    call: Call
    began: float
    ended: float


class RecordingKube(Kube):
    """The product's client, which also remembers what it was asked to do."""

    def __init__(self, kube: Kube) -> None:
        super().__init__(kube._transport)  # noqa: SLF001 -- the same connection, seen from a subclass
        self.made: list[Made] = []

    async def send(self, call: Call, *, timeout: float) -> Response:
        """As the product's own."""
        began = time.perf_counter()
        try:
            return await super().send(call, timeout=timeout)
        finally:
            self.made.append(Made(call, began, time.perf_counter()))

    def decisive(self) -> list[Made]:
        """From the swap that stores the plan (the gates are open) to the last DELETE, as they began."""
        made = sorted(self.made, key=lambda each: each.began)
        first = next(i for i, each in enumerate(made) if each.call.method == "PUT" and "plan" in _status(each.call))
        last = max(i for i, each in enumerate(made) if each.call.method == "DELETE")
        return made[first : last + 1]


async def deleting(bench: Bench, where: Cluster) -> Section:
    """The three ways, by turns, each on pods of its own."""
    section = Section("From open gates to the last DELETE accepted, two pods, on a real Kubernetes API")
    rounds = 2 if bench.quick else 15
    ours, bare, hooked, calls = [], [], [], 0
    async with AsyncExitStack() as stack:
        diegos = [await stack.enter_async_context(diego(where, bench.folder)) for _ in range(3)]
        kube = await stack.enter_async_context(connect(where.plane.kubeconfig))
        session = await stack.enter_async_context(_one_connection(where))
        receiver = await hook.receiver(bench, [diegos[2]])
        for number in range(1, rounds + 1):
            for each in diegos:
                await each.settle()
            await asyncio.sleep(AGE)
            made = await _ours(diegos[0], kube, number)
            calls = len(made)
            ours.append((made[-1].ended - made[0].began) * _MILLI)
            bare.append(await _bare(where, session, made, diegos[0], diegos[1], number))
            hooked.append(await _hooked(bench, receiver, diegos[2]))
        for each in diegos:
            await each.settle()
        memory = await _hook_memory(bench, receiver, diegos[2])
        await asyncio.to_thread(receiver.process.stop)
    mine = Rounds(tuple(ours))
    faster = Goal("faster", lambda line: line.ratio is not None and line.ratio < 1)
    section.lines += [
        Line("time", "ms", mine, "same calls bare, one connection", Rounds(tuple(bare)), ratio_at_most(1.5)),
        Line("time", "ms", mine, "webhook + nc + kubectl delete -l", Rounds(tuple(hooked)), faster),
    ]
    section.notes.append(f"The hook's memory with the script's children: {memory:.0f} MiB at most.")
    section.notes.append(f"Ours makes {calls} calls, with two whole observations; the hook's kubectl makes 3.")
    return section


def _one_connection(where: Cluster) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=where.plane.ca_file)
    headers = {"Authorization": f"Bearer {where.plane.token}"}
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=1), headers=headers)


async def _ours(where: Diego, kube: Kube, number: int) -> list[Made]:
    """One remediation of the product's own worker; what it called between the plan and the last DELETE."""
    recording = RecordingKube(kube)
    (environment,) = environments(Document({"environments": [where.environment()]}))
    metrics = Metrics(CollectorRegistry(), Mode.ACT, [environment.name])
    world = Watched(Observer(environment, recording), recording, (), metrics, observation_timeout=8)
    await world.create(number, Request(environment.name, alertname="StagerUnavailable"))
    await Worker(Target(environment, POLICY, world), Rhythm()).turn()
    made = recording.decisive()
    if sum(each.call.method == "DELETE" for each in made) != _PLANNED:
        raise RuntimeError(f"The worker deleted something else than two pods: {(await world.remediations())[-1]}")
    await _forget(where, number)
    return made


async def _forget(where: Diego, number: int) -> None:
    """A record that stays open would be joined by the next round."""
    await where.cluster.send("DELETE", f"{where.remediations}/diego-api-{number}")


async def _bare(  # noqa: PLR0913, PLR0917 -- two places and what to do there
    where: Cluster, session: aiohttp.ClientSession, made: list[Made], of: Diego, here: Diego, number: int
) -> float:
    """The same calls in another namespace, one after the other. Milliseconds."""
    record = await where.send("POST", here.remediations, record_to_create(f"diego-api-{number}", "cf"))
    pods = {pod["metadata"]["name"]: pod["metadata"] for pod in await here.pods()}
    began = time.perf_counter()
    for each in made:
        call = each.call
        path = call.path.replace(of.namespace, here.namespace)
        answer = await _send(session, where.plane.url + path, call, _body(call, record, pods))
        if path.startswith(f"{here.remediations}/") and "status" in answer:
            record = answer
        if path.endswith("/pods") and call.method == "GET":
            pods |= {pod["metadata"]["name"]: pod["metadata"] for pod in answer["items"]}
    took = (time.perf_counter() - began) * _MILLI
    await _forget(here, number)
    return took


def _body(call: Call, record: Object, pods: dict[str, Object]) -> Any:
    """The body of the call as it must be in the other namespace."""
    if call.method == "PUT":
        return {**record, "status": _status(call)}
    if call.method == "DELETE":
        metadata = pods[call.path.rpartition("/")[2]]
        return {"preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}}
    if call.path.endswith("/events") and call.body is not None:
        namespace = record["metadata"]["namespace"]
        about = {**call.body["involvedObject"], "namespace": namespace}
        return {**call.body, "metadata": {"generateName": "bare.", "namespace": namespace}, "involvedObject": about}
    return call.body


async def _send(session: aiohttp.ClientSession, url: str, call: Call, body: Any) -> Object:
    async with session.request(call.method, url, params=call.query, json=body) as answer:
        found: Object = await answer.json()
        if answer.status >= 400 and answer.status != 404:  # noqa: PLR2004 -- there is no pause, for which ours asks too
            raise RuntimeError(f"{call} made bare answered {answer.status}: {found.get('message')}")
        return found


async def _hooked(bench: Bench, receiver: Running, where: Diego) -> float:
    """Milliseconds until the hook's script has deleted both pods."""
    began = time.perf_counter()
    url = f"{receiver.url}{hook.url_path(where)}"
    async with bench.session.post(url, json=notification([alert("cf")]), raise_for_status=True) as answer:
        said = await answer.text()
    took = (time.perf_counter() - began) * _MILLI
    if said.count("deleted") != _PLANNED:
        raise RuntimeError(f"The hook did not delete two pods: {said}")
    return took


async def _hook_memory(bench: Bench, receiver: Running, where: Diego) -> float:
    """The most memory, in MiB, that the receiver and its children had together, looked at every few milliseconds."""
    work = asyncio.create_task(_hooked(bench, receiver, where))
    most = 0.0
    while not work.done():
        family = [receiver.process.pid, *machine.children(receiver.process.pid)]
        most = max(most, sum(machine.rss_mib(pid) for pid in family))
        await asyncio.sleep(0.002)
    await work
    return most


def _status(call: Call) -> Object:
    found = (call.body or {}).get("status")
    return found if isinstance(found, dict) else {}
