"""How fast the webhook answers with the record stored, beside the bare LIST and create that it needs."""

import asyncio
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.diego import Cluster, Object
from bench.numbers import Rounds, percentile
from bench.running import TOKEN, Bench, Running
from bench.scraping import write
from bench.table import Line, Section, at_most

AT_ONCE = (1, 10, 100)
_MILLI = 1000.0
SLOW = {"open": 20, "latched": 3600, "idle": 3600, "resync": 3600, "observation_timeout": 5}
"""Seconds: between webhooks the workers are to be quiet."""


@dataclass(frozen=True, slots=True)
class _Api:
    session: aiohttp.ClientSession
    url: str

    def records(self, namespace: str) -> str:
        return f"{self.url}/apis/stagekeeper.dev/v1alpha1/namespaces/{namespace}/remediations"


async def intake(bench: Bench, where: Cluster) -> Section:
    """One environment, and so one record, for each of the requests that come at once."""
    section = Section("Webhook: answered once the record is stored, on a real Kubernetes API")
    namespaces = [f"webhook-{number}" for number in range(10 if bench.quick else AT_ONCE[-1])]
    for name in namespaces:
        await where.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    document = configuration(bench.folder, [_environment(each) for each in namespaces])
    config = write(bench.path("remediator.yaml"), document)
    remediator = await bench.program("remediator", "remediator", config, where.plane.kubeconfig)
    async with AsyncExitStack() as stack:
        context = ssl.create_default_context(cafile=where.plane.ca_file)
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        headers = {"Authorization": f"Bearer {where.plane.token}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, headers=headers))
        api = _Api(session, where.plane.url)
        for at_once in AT_ONCE:
            if at_once <= len(namespaces):
                section.lines += await _compare(bench, api, remediator, namespaces[:at_once])
    await asyncio.to_thread(remediator.process.stop)
    section.notes.append(
        "Each request opens a remediation of an environment of its own, whose worker looks once all are answered."
    )
    return section


async def _compare(bench: Bench, api: _Api, remediator: Running, namespaces: list[str]) -> list[Line]:
    rounds = 2 if bench.quick else 5
    batches = 2 if bench.quick else max(1, 60 // len(namespaces))
    ours: list[list[float]] = []
    bare: list[list[float]] = []
    for _ in range(rounds):
        ours.append(await _batches(batches, api, namespaces, lambda each: _post(bench.session, remediator.url, each)))
        await _until_idle(remediator)
        bare.append(await _batches(batches, api, namespaces, lambda each: _list_and_create(api, each)))
    goal = at_most(50) if len(namespaces) <= AT_ONCE[1] else None
    return [
        Line(
            f"{len(namespaces)} at once: p{share * 100:.0f}",
            "ms",
            Rounds(tuple(percentile(each, share) for each in ours)),
            "bare LIST + create",
            Rounds(tuple(percentile(each, share) for each in bare)),
            goal if share > 0.9 else None,  # noqa: PLR2004 -- the goal is for the slow ones
        )
        for share in (0.5, 0.99)
    ]


async def _batches(count: int, api: _Api, namespaces: list[str], once: Any) -> list[float]:
    """Milliseconds of each request, of `count` batches with a clean slate before each."""
    took: list[float] = []
    for _ in range(count):
        await asyncio.gather(*(_clear(api, each) for each in namespaces))
        took += await asyncio.gather(*(_timed(once(each)) for each in namespaces))
    return took


async def _until_idle(running: Running) -> None:
    """Wait until the workers have taken their looks: they are no part of the bare calls that come next."""
    before = -1.0
    while running.cost() > before:
        before = running.cost()
        await asyncio.sleep(0.2)


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * _MILLI


async def _clear(api: _Api, namespace: str) -> None:
    async with api.session.delete(api.records(namespace), raise_for_status=True):
        pass


async def _list_and_create(api: _Api, namespace: str) -> None:
    async with api.session.get(api.records(namespace), raise_for_status=True) as answer:
        await answer.json()
    body = record_to_create("diego-api-1", namespace)
    async with api.session.post(api.records(namespace), json=body, raise_for_status=True) as answer:
        await answer.json()


def record_to_create(name: str, environment: str) -> Object:
    """A record as the webhook creates it."""
    return {
        "apiVersion": "stagekeeper.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": name},
        "spec": {"environment": environment},
    }


async def _post(session: aiohttp.ClientSession, url: str, environment: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    body = notification([alert(environment)])
    async with session.post(f"{url}/api/v1/alerts", json=body, headers=headers, raise_for_status=True) as answer:
        results = (await answer.json())["results"]
    if any(each["judgement"] not in {"opened", "joined"} for each in results):
        raise RuntimeError(f"The webhook did not open a remediation: {results}")


def alert(environment: str, number: int = 0) -> Object:
    """One firing alert, as Alertmanager sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": "StagerUnavailable", "environment": environment, "severity": "critical"},
        "annotations": {"summary": "The stager is unavailable.", "description": "Nobody listens on port 8889."},
        "startsAt": "2026-11-23T12:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{number:016x}",
    }


def notification(alerts: list[Object]) -> Object:
    """A body of version 4 with these alerts."""
    return {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "stagekeeper", "alerts": alerts}


def configuration(folder: Path, environments: list[Object], **more: Any) -> dict[str, Any]:
    """A remediator's file: it observes unless `more` says otherwise, and keeps quiet between webhooks."""
    token = folder / "webhook-token"
    token.write_text(TOKEN)
    webhook = {"token_file": str(token), "largest_body": 64 * 2**20}
    remediator = {"mode": "observe", "webhook": webhook, "rhythm": SLOW, **more}
    return {"environments": environments, "remediator": remediator}


def _environment(namespace: str) -> Object:
    return {"name": namespace, "profile": "cfee-2", "namespace": namespace, "service": {"host": "127.0.0.1"}}
