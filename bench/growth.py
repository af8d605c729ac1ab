"""What grows with what: environments of one exporter, remediations in the history, alerts of one notification."""

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from bench.diego import Cluster
from bench.intake import alert, configuration, notification
from bench.numbers import Rounds
from bench.running import TOKEN, Bench, Running
from bench.scraping import fetch, timed, write
from bench.table import Line, Section, at_most
from remediator.cluster import Cluster as Watched
from remediator.metrics import Metrics
from remediator.opening import open_or_join
from remediator.policy import Mode, Policy
from remediator.remediation import Request
from simulator.certificates import make_certificates
from simulator.loopback import LoopbackNetwork, claim_network
from stagekeeper.diego.environments import environments
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.client import connect
from stagekeeper.settings import Document
from tests.testbed.process import free_port

ENVIRONMENTS = (1, 10, 100, 1000)
EPISODES = (10, 100, 1000, 10_000)
ALERTS = (1, 10, 100, 1000, 10_000)
_OBSERVATION_REQUESTS = 5


async def growth(bench: Bench, where: Cluster) -> Section:  # noqa: ARG001 -- every measurement is called alike
    """All three, each beside the bare work that must grow with it."""
    section = Section("Growth, on a stand-in for the Kubernetes API")
    section.lines += await _environments(bench)
    section.lines += await _remediations(bench)
    section.lines += await _alerts(bench)
    section.notes.append("Loop lag: the longest that /-/healthy took to answer while a scrape was under way.")
    return section


@dataclass(frozen=True, slots=True)
class _StandIn:
    running: Running
    kubeconfig: Path


async def _stand_in(bench: Bench, network: LoopbackNetwork, remediations: int = 0) -> _StandIn:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--ip", f"{network.prefix}.10", "--remediations", str(remediations)]
    running = await bench.start(
        "stand-in", [sys.executable, "-m", "bench.stand_in", *arguments], url, "/api/v1/namespaces/cf/pods"
    )
    path = bench.path("stand-in.kubeconfig")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "s", "cluster": {"server": url}}],
        "users": [{"name": "s", "user": {"token": "none"}}],
        "contexts": [{"name": "s", "context": {"cluster": "s", "user": "s"}}],
        "current-context": "s",
    }
    path.write_text(yaml.safe_dump(config))
    return _StandIn(running, path)


async def _environments(bench: Bench) -> list[Line]:
    lines: list[Line] = []
    async with AsyncExitStack() as stack:
        network = stack.enter_context(claim_network())
        made = await asyncio.to_thread(make_certificates, bench.path("growth"), "cf", ("diego-api",), network.api)
        bbs = await bench.bbs(made, f"{network.prefix}.10", network.bbs_service)
        api = await _stand_in(bench, network)
        for count in ENVIRONMENTS[:2] if bench.quick else ENVIRONMENTS:
            lines += await _exporter(bench, api, network, count)
        for process in (api.running.process, bbs):
            await asyncio.to_thread(process.stop)
    return lines


async def _exporter(bench: Bench, api: _StandIn, network: LoopbackNetwork, count: int) -> list[Line]:
    service = {"host": network.bbs_service}
    entries = [{"name": f"cf-{n}", "namespace": f"cf-{n}", "service": service} for n in range(count)]
    config = write(bench.path("many.yaml"), {"environments": entries})
    exporter = await bench.program("exporter", "exporter", config, api.kubeconfig)
    took, lags, bare = [], [], []
    for _ in range(2 if bench.quick else 5):
        lag = _Lag(bench, exporter)
        took.append(await lag.during(_scrape(bench, exporter, count)))
        lags.append(lag.longest)
        bare.append(await timed(lambda: _bare_requests(bench, api, count)))
    memory = Rounds((exporter.memory(),))
    await asyncio.to_thread(exporter.process.stop)
    what = f"{count} environment{'s' if count > 1 else ''}"
    return [
        Line(f"{what}: one scrape", "ms", Rounds(tuple(took)), "the same requests bare", Rounds(tuple(bare))),
        Line(f"{what}: loop lag", "ms", Rounds(tuple(lags)), goal=at_most(50)),
        Line(f"{what}: RSS", "MiB", memory),
    ]


@dataclass(slots=True)
class _Lag:
    """How long a process took to answer something trivial while it worked."""

    bench: Bench
    running: Running
    longest: float = 0.0

    async def during(self, work: Coroutine[Any, Any, object]) -> float:
        """Milliseconds that the work took; meanwhile the process is asked again and again."""
        began = time.perf_counter()
        task = asyncio.create_task(work)
        while not task.done():
            await asyncio.sleep(0.002)
            url = f"{self.running.url}/-/healthy"
            self.longest = max(self.longest, await timed(lambda: fetch(self.bench.session, url)))  # noqa: B023 -- awaited at once
        await task
        return (time.perf_counter() - began) * 1000


async def _scrape(bench: Bench, exporter: Running, count: int) -> None:
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "60"}
    text = await fetch(bench.session, f"{exporter.url}/metrics", **header)
    served = sum(line.startswith("bbs_reachable{") and line.endswith(" 1.0") for line in text.splitlines())
    ready = sum(line.startswith("diego_api_ready{") and line.endswith(" 2.0") for line in text.splitlines())
    if (served, ready) != (count, count):
        raise RuntimeError(f"Of {count} environments {served} were said to serve and {ready} to be ready.")


async def _bare_requests(bench: Bench, api: _StandIn, count: int) -> None:
    """As many requests as the observations make, 100 at a time, as the exporter's client does."""
    turns = asyncio.Semaphore(100)

    async def ask() -> None:
        async with turns:
            await fetch(bench.session, f"{api.running.url}/api/v1/namespaces/cf/pods")

    await asyncio.gather(*(ask() for _ in range(count * _OBSERVATION_REQUESTS)))


async def _remediations(bench: Bench) -> list[Line]:
    lines: list[Line] = []
    for count in EPISODES[:2] if bench.quick else EPISODES:
        with claim_network() as network:
            api = await _stand_in(bench, network, count)
            lines += await _history(bench, api, count)
            await asyncio.to_thread(api.running.process.stop)
    return lines


async def _history(bench: Bench, api: _StandIn, count: int) -> list[Line]:
    """Reading the history, as every turn of the worker does, and opening a remediation after it."""
    (environment,) = environments(Document({"environments": [{"name": "cf", "service": {"host": "127.0.0.1"}}]}))
    request = Request("cf", alertname="StagerUnavailable", starts_at="2026-11-23T12:00:00Z")
    policy = Policy(Mode.OBSERVE)
    url = f"{api.running.url}/apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations"
    read, opened, bare = [], [], []
    async with connect(api.kubeconfig) as kube:
        metrics = Metrics(CollectorRegistry(), Mode.OBSERVE, ["cf"])
        world = Watched(Observer(environment, kube), kube, (), metrics, observation_timeout=60)
        for _ in range(2 if bench.quick else 5):
            read.append(await timed(world.remediations))
            opened.append(await timed(lambda: open_or_join(world, request, policy)))
            bare.append(await timed(lambda: _list_and_parse(bench, url)))
    beside = "bare LIST, parsed", Rounds(tuple(bare))
    return [
        Line(f"{count} remediations: the worker reads them", "ms", Rounds(tuple(read)), *beside),
        Line(f"{count} remediations: one more is opened", "ms", Rounds(tuple(opened)), *beside),
    ]


async def _list_and_parse(bench: Bench, url: str) -> None:
    json.loads(await fetch(bench.session, url))


async def _alerts(bench: Bench) -> list[Line]:
    lines: list[Line] = []
    with claim_network() as network:
        api = await _stand_in(bench, network)
        entry = {"name": "cf", "service": {"host": network.bbs_service}}
        config = write(bench.path("alerts.yaml"), configuration(bench.folder, [entry]))
        remediator = await bench.program("remediator", "remediator", config, api.kubeconfig)
        for count in ALERTS[:2] if bench.quick else ALERTS:
            body = json.dumps(notification([alert("cf", number) for number in range(count)])).encode()
            took, bare = [], []
            for _ in range(2 if bench.quick else 5):
                took.append(await timed(lambda: _post(bench, remediator, body)))  # noqa: B023 -- awaited at once
                bare.append(await timed(lambda: _parse(body)))  # noqa: B023 -- awaited at once
            said = f"{count} alerts, {len(body) / 1024:.0f} KiB: answered"
            lines.append(Line(said, "ms", Rounds(tuple(took)), "json.loads of the body", Rounds(tuple(bare))))
        for process in (remediator.process, api.running.process):
            await asyncio.to_thread(process.stop)
    return lines


async def _parse(body: bytes) -> None:
    json.loads(body)


async def _post(bench: Bench, remediator: Running, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    url = f"{remediator.url}/api/v1/alerts"
    async with bench.session.post(url, data=body, headers=headers, raise_for_status=True) as answer:
        await answer.read()
