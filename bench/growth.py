"""What grows with what: environments of one exporter, episodes in the history, alerts of one notification."""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry

from bench.diego import Cluster
from bench.intake import alert, configuration, notification
from bench.numbers import Rounds
from bench.running import TOKEN, Bench, Running
from bench.scraping import fetch, timed, write
from bench.table import Goal, Line, Section, at_most
from remediator.episode import Request
from remediator.metrics import Metrics
from remediator.opening import open_or_join
from remediator.policy import Mode, Policy
from remediator.world import World
from stagekeeper.diego.environments import environments
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.client import connect
from stagekeeper.settings import Document
from stagekeeper.simulator.certificates import make_certificates
from stagekeeper.simulator.loopback import LoopbackNetwork, claim_network
from tests.testbed.process import free_port

ENVIRONMENTS = (1, 10, 100, 1000)
EPISODES = (10, 100, 1000, 10_000)
ALERTS = (1, 10, 100, 1000, 10_000)
_LOOK_REQUESTS = 5
_LINEAR = 1.5
"""Growth that is at most so many times what linear growth would be passes for linear: caches end, garbage piles up."""


async def growth(bench: Bench, where: Cluster) -> Section:  # noqa: ARG001 -- every measurement is called alike
    """All three, each beside the bare work that must grow with it."""
    section = Section("Growth, on a stand-in for the Kubernetes API")
    section.lines += await _environments(bench)
    section.lines += await _episodes(bench)
    section.lines += await _alerts(bench)
    section.notes.append("Loop lag: the longest that /-/healthy took to answer while a scrape was under way.")
    return section


@dataclass(frozen=True, slots=True)
class _StandIn:
    running: Running
    kubeconfig: Path


async def _stand_in(bench: Bench, network: LoopbackNetwork, episodes: int = 0) -> _StandIn:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--ip", f"{network.prefix}.10", "--episodes", str(episodes)]
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
    took, lags, bare, quiet = [], [], [], []
    for _ in range(2 if bench.quick else 5):
        lag = asyncio.create_task(_lag(bench, exporter))
        took.append(await timed(lambda: _scrape(bench, exporter, count)))
        lag.cancel()
        lags.append(max(await asyncio.gather(lag, return_exceptions=True), key=_number_or_zero) if False else _WORST.pop())
        bare.append(await timed(lambda: _bare(bench, api, count)))
        quiet.append(await timed(lambda: fetch(bench.session, f"{exporter.url}/-/healthy")))
    memory = Rounds((exporter.memory(),))
    await asyncio.to_thread(exporter.process.stop)
    what = f"{count} environment{'s' if count > 1 else ''}"
    return []
