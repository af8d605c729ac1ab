"""What a scrape costs: the exporter beside blackbox_exporter asking the same ports, and beside bare LISTs."""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.diego import Cluster, Diego, diego
from bench.numbers import Rounds, percentile
from bench.running import Bench, Running
from bench.table import Goal, Line, Section, at_most, ratio_at_most
from simulator.bbs import BBS_PORT

PODS = (2, 150)
_MILLI = 1000.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to learn the same thing, and the process whose CPU time it costs (None: not measured)."""

    name: str
    once: Callable[[], Awaitable[object]]
    process: Running | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one round of one way cost for each time: milliseconds of waiting and of CPU."""

    p50: float
    p99: float
    cpu: float


async def scraping(bench: Bench, where: Cluster) -> Section:
    """All combinations of size and of probe."""
    section = Section("Scrape, on a real Kubernetes API")
    for replicas in PODS:
        async with diego(where, bench.folder, replicas) as environment:
            pods = [environment.address(f"diego-api-{number}") for number in range(replicas)]
            process = await bench.bbs(environment.certificates, pods[0], environment.network.bbs_service)
            await environment.label("diego-api-0", "true")
            for tls in (True, False):
                section.lines += await _compare(bench, where, environment, pods, tls=tls)
            await asyncio.to_thread(process.stop)
    section.notes.append("Of the pods one serves and all others refuse, as they do on a healthy Diego.")
    section.notes.append(
        "blackbox_exporter reads nothing from Kubernetes: with the bare LISTs it would do the same work."
    )
    section.notes.append("blackbox_exporter is asked for the Service and every pod at once, as Prometheus may.")
    return section


async def _compare(bench: Bench, where: Cluster, environment: Diego, pods: list[str], *, tls: bool) -> list[Line]:
    config = write(bench.path("exporter.yaml"), {"environments": [environment.environment(tls=tls)]})
    exporter = await bench.program("exporter", "exporter", config, where.plane.kubeconfig)
    blackbox = await bench.blackbox(environment.certificates, environment.layout.tls_server_name)
    hosts = [environment.network.bbs_service, *pods]
    timeout = aiohttp.ClientTimeout(total=60)
    context = ssl.create_default_context(cafile=where.plane.ca_file)
    headers = {"Authorization": f"Bearer {where.plane.token}"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), headers=headers, timeout=timeout
    ) as session:
        ways = (
            Way("exporter", lambda: fetch(bench.session, f"{exporter.url}/metrics"), exporter),
            Way("blackbox", lambda: _probe_all(bench.session, blackbox.url, hosts, tls=tls), blackbox),
            Way("bare LISTs", lambda: _bare(session, where.plane.url, environment)),
        )
        times = (5 if bench.quick else 100) // (1 if len(pods) <= PODS[0] else 5)
        costs = await measure(ways, rounds=2 if bench.quick else 5, times=times)
    text = await fetch(bench.session, f"{exporter.url}/metrics")
    theirs = await fetch(bench.session, _probe_url(blackbox.url, hosts[0], tls=tls))
    label = f"{len(pods)} pods, {'mutual-TLS ping' if tls else 'TCP'}"
    lines = _lines(label, costs, goals=tls and len(pods) <= PODS[0])
    lines += _sizes(len(pods), exporter, blackbox, series(text), series(theirs) * len(hosts)) if tls else []
    for running in (exporter, blackbox):
        await asyncio.to_thread(running.process.stop)
    return lines


def _lines(label: str, costs: dict[str, list[Cost]], *, goals: bool) -> list[Line]:
    ours, blackbox, bare = (costs[name] for name in ("exporter", "blackbox", "bare LISTs"))
    p50, p99 = Rounds(tuple(each.p50 for each in ours)), Rounds(tuple(each.p99 for each in ours))
    black = Rounds(tuple(each.p50 for each in blackbox))
    reading = Rounds(tuple(each.p50 for each in bare))
    goal: Goal | None = at_most(10) if goals else None
    return [
        Line(f"{label}: p50", "ms", p50, "blackbox", black, ratio_at_most(1.5) if goals else None),
        Line(f"{label}: p50", "ms", p50, "bare LISTs", reading, goal),
        Line(f"{label}: p50", "ms", p50, "blackbox + bare LISTs", black.plus(reading)),
        Line(f"{label}: p99", "ms", p99, "blackbox", Rounds(tuple(each.p99 for each in blackbox))),
        Line(
            f"{label}: CPU each",
            "ms",
            Rounds(tuple(each.cpu for each in ours)),
            "blackbox",
            Rounds(tuple(each.cpu for each in blackbox)),
        ),
    ]


def _sizes(pods: int, exporter: Running, blackbox: Running, ours: int, theirs: int) -> list[Line]:
    memory = Rounds((exporter.memory(),)), Rounds((blackbox.memory(),))
    return [
        Line(f"{pods} pods: RSS", "MiB", memory[0], "blackbox", memory[1], at_most(80)),
        Line(f"{pods} pods: series", "", Rounds((ours,)), "blackbox", Rounds((theirs,))),
    ]


async def measure(ways: tuple[Way, ...], *, rounds: int, times: int) -> dict[str, list[Cost]]:
    """Every way in every round, one after the other: what disturbs the machine disturbs all of them."""
    for way in ways:
        await way.once()  # connections open, code warm
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            costs[way.name].append(await _round(way, times))
    return costs


async def _round(way: Way, times: int) -> Cost:
    before = way.process.cost() if way.process else 0.0
    took = [await timed(way.once) for _ in range(times)]
    used = way.process.cost() - before if way.process else 0.0
    return Cost(percentile(took, 0.5), percentile(took, 0.99), used / times * _MILLI)


async def timed(once: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that it took."""
    began = time.perf_counter()
    await once()
    return (time.perf_counter() - began) * _MILLI


async def fetch(session: aiohttp.ClientSession, url: str, **headers: str) -> str:
    """The text behind a URL. aiohttp.ClientError for a status of 400 and more."""
    async with session.get(url, headers=headers, raise_for_status=True) as answer:
        return await answer.text()


def series(text: str) -> int:
    """How many series an answer to a scrape has."""
    return sum(bool(line) and not line.startswith("#") for line in text.splitlines())


def write(path: Path, document: dict[str, object]) -> Path:
    """Write a configuration file; JSON is YAML."""
    path.write_text(json.dumps(document, indent=1))
    return path


async def _probe_all(session: aiohttp.ClientSession, url: str, hosts: list[str], *, tls: bool) -> None:
    await asyncio.gather(*(fetch(session, _probe_url(url, host, tls=tls)) for host in hosts))


def _probe_url(url: str, host: str, *, tls: bool) -> str:
    if tls:
        return f"{url}/probe?module=ping&target=https://{host}:{BBS_PORT}/v1/ping"
    return f"{url}/probe?module=tcp&target={host}:{BBS_PORT}"


async def _bare(session: aiohttp.ClientSession, url: str, environment: Diego) -> None:
    """The requests of one observation: four at once, then the pods again."""
    core = f"{url}/api/v1/namespaces/{environment.namespace}/pods?labelSelector=skiff-role-name"
    groups = f"{url}/apis/{{}}/namespaces/{environment.namespace}"
    slices = "endpointslices?labelSelector=kubernetes.io/service-name%3Ddiego-api"
    await asyncio.gather(
        fetch(session, f"{core}%3Ddiego-api"),
        fetch(session, f"{core}%3Dapi"),
        fetch(session, f"{groups.format('apps/v1')}/statefulsets/diego-api"),
        fetch(session, f"{groups.format('discovery.k8s.io/v1')}/{slices}"),
    )
    await fetch(session, f"{core}%3Ddiego-api")
