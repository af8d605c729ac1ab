"""What grows with what: environments of one exporter, records in the history, alerts of one notification."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import cast

import aiohttp
import yaml
from aiohttp import web

from bench.running import MILLI, Bench, Running, bare_session, entry, notification, read, timed, write
from bench.table import Line, Rounds, Section
from bench.webhook import record, until_idle
from simulator.environment import Environment
from simulator.resources import REMEDIATIONS

ENVIRONMENTS = (1, 100, 1000)
RECORDS = (100, 1000, 10_000)
ALERTS = (1000, 10_000)
_ASKING = """
import http.client, select, sys, time
connection, longest = http.client.HTTPConnection(sys.argv[1].partition("://")[2]), 0
print(flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    began = time.perf_counter()
    connection.request("GET", "/-/healthy")
    connection.getresponse().read()
    longest = max(longest, time.perf_counter() - began)
print(longest * 1000)
"""
"""Asks for something trivial until its input ends, in a process of its own: this one answers for the API meanwhile."""


async def growth(bench: Bench) -> Section:
    """All three."""
    section = Section("Growth")
    environment = await bench.environment("growth")
    section.lines += await _environments(bench, environment)
    section.lines += await _records(bench, environment)
    section.lines += await _alerts(bench, environment)
    section.notes.append("Environments are read from an API that gives prepared bytes, so that only ours grows.")
    section.notes.append(
        "Of a history, what is as it was is not parsed anew: the first reading after a start is dearer."
    )
    section.notes.append("Loop lag: the longest that /-/healthy took to answer while a scrape was under way.")
    return section


async def _environments(bench: Bench, environment: Environment) -> list[Line]:
    lines: list[Line] = []
    asked: list[str] = []
    async with _copies(environment, asked) as kubeconfig, aiohttp.ClientSession() as session:
        for count in ENVIRONMENTS[:1] if bench.quick else ENVIRONMENTS:
            entries = [
                {**entry(environment, tls=False), "name": f"cf-{n}", "namespace": f"cf-{n}"} for n in range(count)
            ]
            config = write(bench.folder / "many.yaml", {"environments": entries})
            exporter = await bench.program("exporter", config, kubeconfig)
            scrapes, bare = [], []
            for _ in range(bench.rounds):
                asked.clear()
                scrapes.append(await _scrape(bench, exporter, count))
                urls = [*asked]
                bare.append(await timed(partial(read, session, urls)))
            what, last = f"{count} environment{'s' if count > 1 else ''}", count == ENVIRONMENTS[-1]
            took, lag, requests = (Rounds(each) for each in (*zip(*scrapes, strict=True), tuple(bare)))
            goal = took.at_most_times(4, requests) if last else ""
            lines.append(Line(f"{what}: one scrape", "ms", took, "the same requests bare", requests, goal))
            if last:
                lines.append(Line(f"{what}: loop lag", "ms", lag, goal=lag.at_most(50)))
                lines.append(Line(f"{what}: RSS", "MiB", Rounds.of(exporter.memory())))
            await exporter.stop()
    return lines


@asynccontextmanager
async def _copies(environment: Environment, asked: list[str]) -> AsyncIterator[Path]:
    """An API that shows the one environment in every namespace `cf-N`: each answer is made once, and then given.

    The URLs that it is asked for are added to `asked`.
    """
    known: dict[str, bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        asked.append(str(request.url))
        path = re.sub(r"/namespaces/cf-\d+", f"/namespaces/{environment.namespace}", request.path_qs)
        if path not in known:
            async with session.get(f"{environment.api_url}{path}") as found:
                known[path] = await found.read()
        return web.Response(body=known[path], content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        async with bare_session(environment) as session:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            config = yaml.safe_load(environment.kubeconfig.read_text())
            config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}
            kubeconfig = environment.kubeconfig.with_name("copies.yaml")
            kubeconfig.write_text(yaml.safe_dump(config))
            yield kubeconfig
    finally:
        await runner.cleanup()


async def _scrape(bench: Bench, exporter: Running, count: int) -> tuple[float, float]:
    """Milliseconds of one scrape, and the longest that something trivial took meanwhile."""
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "60"}
    asking = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASKING, exporter.url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await cast("asyncio.StreamReader", asking.stdout).readline()  # it has begun
    began = time.perf_counter()
    lines = (await bench.fetch(f"{exporter.url}/metrics", **header)).splitlines()
    took = (time.perf_counter() - began) * MILLI
    lag, _ = await asking.communicate(b"")
    served = sum(line.startswith("bbs_reachable{") and line.endswith(" 1.0") for line in lines)
    ready = sum(line.startswith("diego_api_ready{") and line.endswith(" 2.0") for line in lines)
    if (served, ready) != (count, count):
        raise RuntimeError(f"Of {count} environments {served} were said to serve and {ready} to be ready.")
    return took, float(lag)


async def _records(bench: Bench, environment: Environment) -> list[Line]:
    """An alert that opens nothing, as the last remediation has only just ended, beside the bare LIST that it needs."""
    lines: list[Line] = []
    store, namespace = environment.store, environment.namespace
    remediator = await bench.program(
        "remediator", bench.remediator_file("records.yaml", [entry(environment)]), environment.kubeconfig
    )
    ended = {"phase": "SelfHealed", "reason": "Serving", "evidence": ["a line of evidence"] * 20}
    url = f"{environment.api_url}/apis/stagekeeper.dev/v1alpha1/namespaces/{namespace}/remediations"
    async with bare_session(environment) as session:
        for before, count in pairwise((0, *RECORDS[: 1 if bench.quick else None])):
            for ordinal in range(before + 1, count + 1):
                created = record("cf", ordinal)
                store.create(REMEDIATIONS, namespace, created)
                store.patch(REMEDIATIONS, namespace, created["metadata"]["name"], {"status": ended}, status=True)
            mine: list[float] = []
            theirs: list[float] = []
            ways = (mine, partial(_on_hold, bench, remediator)), (theirs, partial(read, session, [url]))
            for times, once in ways * bench.rounds:
                times.append(await timed(once))
                await until_idle(remediator)
            ours, beside = Rounds(tuple(mine)), Rounds(tuple(theirs))
            goal = ours.at_most_times(1.5, beside) if count == RECORDS[-1] else ""
            lines.append(Line(f"{count} records: read for an alert", "ms", ours, "bare LIST", beside, goal))
    await remediator.stop()
    return lines


async def _on_hold(bench: Bench, remediator: Running) -> None:
    answer = await bench.alert(remediator, notification("cf"))
    if [each["judgement"] for each in answer["results"]] != ["held_off"]:
        raise RuntimeError(f"The alert should have been held off: {answer}")


async def _alerts(bench: Bench, environment: Environment) -> list[Line]:
    lines: list[Line] = []
    config = bench.remediator_file("alerts.yaml", [entry(environment)])
    remediator = await bench.program("remediator", config, environment.kubeconfig)
    for count in ALERTS[:1] if bench.quick else ALERTS:
        body = notification(*["cf"] * count)
        took = [await timed(lambda: bench.alert(remediator, body)) for _ in range(bench.rounds)]  # noqa: B023 -- awaited at once
        lines.append(Line(f"{count} alerts, {len(body) / 1024:.0f} KiB: answered", "ms", Rounds(tuple(took))))
    await remediator.stop()
    return lines
