"""What a scrape costs: the exporter beside blackbox_exporter asking the same ports and the same reads of Kubernetes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from bench.running import MILLI, Bench, Object, Running, bare_session, entry, read, timed, write
from bench.table import Line, Rounds, Section, percentile
from scripts import programs
from simulator.environment import Environment
from simulator.layouts import CFEE_2, Workload

MANY = 150
"""Pods: with so many, whoever asks them one by one shows."""
Way = tuple[Running | None, Callable[[], Awaitable[object]]]  # whose CPU time it costs, and how to learn it all once


async def scraping(bench: Bench) -> Section:
    """Of two pods and of very many."""
    section = Section("Scrape")
    environment = await bench.environment("scraping")
    section.lines += await _compare(bench, environment, 1.0)
    if not bench.quick:
        bbs = cast("Workload", CFEE_2.bbs)
        many = await bench.environment("many", replace(CFEE_2, bbs=replace(bbs, replicas=MANY)))
        section.lines += await _compare(bench, many, 0.6)
    section.notes += [
        "One pod serves and the others refuse, as on a healthy Diego. Diego's keys are RSA, 2048 bits.",
        "Bare reads: what a scrape reads of Kubernetes, by aiohttp, all at once, parsed.",
    ]
    return section


async def _compare(bench: Bench, environment: Environment, most: float) -> list[Line]:
    config = write(bench.folder / "exporter.yaml", {"environments": [entry(environment)]})
    exporter = await bench.program("exporter", config, environment.kubeconfig)
    blackbox = await _blackbox(bench, environment)
    hosts = [environment.service_host, *(pod["status"]["podIP"] for pod in environment.pods())]
    async with bare_session(environment) as session:
        environment.api.requests.clear()
        await bench.fetch(f"{exporter.url}/metrics")
        read_by_it = [each.path for each in environment.api.requests if each.user == "stagekeeper"]
        urls = [environment.api_url + path for path in read_by_it]
        ways: tuple[Way, ...] = (
            (exporter, lambda: bench.fetch(f"{exporter.url}/metrics")),
            (blackbox, lambda: _probe_all(bench, blackbox.url, hosts)),
            (None, lambda: read(session, urls)),
        )
        ours, theirs, bare = await _measure(
            ways, rounds=bench.rounds, times=5 if bench.quick else max(3, 300 // len(hosts))
        )
    memory, their_memory = Rounds.of(exporter.memory()), Rounds.of(blackbox.memory())
    (p50, cpu), (their_p50, their_cpu), (bare_p50, _) = (
        [Rounds(column) for column in zip(*each, strict=True)] for each in (ours, theirs, bare)
    )
    both = Rounds(tuple(map(sum, zip(their_p50.values, bare_p50.values, strict=True))))
    await asyncio.gather(exporter.stop(), blackbox.stop())
    pods = f"{len(environment.pods())} pods"
    return [
        Line(f"{pods}: p50", "ms", p50, "blackbox + bare reads", both, p50.at_most_times(most, both)),
        Line(f"{pods}: CPU each", "ms", cpu, "blackbox", their_cpu, cpu.at_most_times(1.3, their_cpu)),
        Line(f"{pods}: RSS", "MiB", memory, "blackbox", their_memory, memory.at_most(80)),
    ]


async def _measure(ways: tuple[Way, ...], *, rounds: int, times: int) -> list[list[tuple[float, ...]]]:
    """Of every way in every round p50 and CPU in ms, by turns: what disturbs the machine disturbs all of them."""
    for _, once in ways:
        await once()  # connections open, code warm
    costs: list[list[tuple[float, ...]]] = [[] for _ in ways]
    for _ in range(rounds):
        for (process, once), found in zip(ways, costs, strict=True):
            before = process.cost() if process else 0.0
            took = [await timed(once) for _ in range(times)]
            used = (process.cost() - before) / times * MILLI if process else 0.0
            found.append((percentile(took, 0.5), used))
    return costs


async def _blackbox(bench: Bench, environment: Environment) -> Running:
    """Debian's blackbox_exporter, which pings over mutual TLS."""
    ping: Object = {"method": "POST", "preferred_ip_protocol": "ip4", "tls_config": entry(environment)["tls"]}
    modules = {"ping": {"prober": "http", "timeout": "3s", "http": ping}}
    config = write(bench.folder / "blackbox.yaml", {"modules": modules})
    argv = [programs.required("prometheus-blackbox-exporter"), f"--config.file={config}"]
    return await bench.start("blackbox", lambda port: [*argv, f"--web.listen-address=127.0.0.1:{port}"], "/-/healthy")


async def _probe_all(bench: Bench, url: str, hosts: list[str]) -> None:
    """The Service and every pod at once, as Prometheus may."""
    probes = (f"{url}/probe?module=ping&target=https://{host}:8889/v1/ping" for host in hosts)
    await asyncio.gather(*map(bench.fetch, probes))
