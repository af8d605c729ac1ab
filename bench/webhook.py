"""How fast the webhook answers with the record stored, beside the bare LIST and create that it needs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp

from bench.running import Bench, Object, Running, bare_session, notification, timed
from bench.table import Line, Rounds, Section, percentile
from simulator.environment import Environment
from simulator.resources import NAMESPACES, REMEDIATIONS

AT_ONCE = {1: None, 10: 3.0, 100: 1.7}
"""Requests, and how many times as long as the bare ones the slowest hundredth may take."""


async def webhook(bench: Bench) -> Section:
    """One environment, and so one record, for each of the requests that come at once."""
    section = Section("Webhook: answered once the record is stored")
    environment = await bench.environment("webhook")
    namespaces = [f"webhook-{number}" for number in range(10 if bench.quick else max(AT_ONCE))]
    for name in namespaces:
        environment.store.create(NAMESPACES, "", {"metadata": {"name": name}})
    entries = [{"name": each, "namespace": each, "service": {"host": "127.0.0.1"}} for each in namespaces]
    config = bench.remediator_file("webhook.yaml", entries)
    remediator = await bench.program("remediator", config, environment.kubeconfig)
    async with bare_session(environment) as session:
        ways = partial(_open, bench, remediator), partial(_open_bare, environment, session)
        for at_once, ratio in AT_ONCE.items():
            if at_once <= len(namespaces):
                took: tuple[list[list[float]], ...] = ([], [])
                for way, found in (*zip(ways, took, strict=True),) * bench.rounds:
                    found.append(await _batches(bench, environment, namespaces[:at_once], way))
                    await until_idle(remediator)
                section.lines += _compared(at_once, took, ratio)
    await remediator.stop()
    section.notes.append("Each request opens a remediation of an environment of its own.")
    return section


async def _open(bench: Bench, remediator: Running, namespace: str) -> None:
    answer = await bench.alert(remediator, notification(namespace))
    if any(each["judgement"] not in {"opened", "joined"} for each in answer["results"]):
        raise RuntimeError(f"The webhook did not open a remediation: {answer}")


async def _open_bare(environment: Environment, session: aiohttp.ClientSession, namespace: str) -> None:
    """What opening a remediation asks of the API, without anything of ours."""
    url = f"{environment.api_url}/apis/stagekeeper.dev/v1alpha1/namespaces/{namespace}/remediations"
    async with session.get(url, raise_for_status=True) as answer:
        await answer.json()
    async with session.post(url, json=record(namespace), raise_for_status=True) as answer:
        await answer.json()


def _compared(at_once: int, took: tuple[list[list[float]], ...], ratio: float | None) -> list[Line]:
    (p50, their_p50), (p99, their_p99) = (
        [Rounds(tuple(percentile(each, share) for each in way)) for way in took] for share in (0.5, 0.99)
    )
    wanted = p99.at_most(100) if ratio is None else p99.at_most_times(ratio, their_p99)
    beside = "bare LIST + create"
    return [
        Line(f"{at_once} at once: p50", "ms", p50, beside, their_p50),
        Line(f"{at_once} at once: p99", "ms", p99, beside, their_p99, wanted),
    ]


async def _batches(
    bench: Bench, environment: Environment, namespaces: list[str], once: Callable[[str], Awaitable[None]]
) -> list[float]:
    """Milliseconds of each request, of some batches with a clean slate before each."""
    took: list[float] = []
    for _ in range(2 if bench.quick else max(1, 60 // len(namespaces))):
        for each in environment.store.select(REMEDIATIONS):
            metadata = each["metadata"]
            environment.store.delete(REMEDIATIONS, metadata["namespace"], metadata["name"], {})
        took += await asyncio.gather(*(timed(lambda name=name: once(name)) for name in namespaces))  # type: ignore[misc]
    return took


async def until_idle(running: Running) -> None:
    """Wait until the program has observed what it was told of: that is no part of what is measured next."""
    before = -1.0
    while running.cost() > before:
        before = running.cost()
        await asyncio.sleep(0.2)


def record(environment: str, ordinal: int = 1) -> Object:
    """A record as the webhook creates it."""
    head = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation"}
    return {**head, "metadata": {"name": f"diego-api-r{ordinal}"}, "spec": {"environment": environment}}
