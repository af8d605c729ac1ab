"""How soon the numbers are right after a change, and what is said while the Kubernetes API can't be asked.

While the API server is stopped the truth changes too: the active BBS dies. Whoever goes on saying what was true before
is wrong from then on, whoever says nothing is not.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.diego import Cluster, Diego, diego
from bench.numbers import Rounds
from bench.running import Bench, Running
from bench.scraping import fetch, write
from bench.table import Line, Section
from simulator.bbs import BBS_PORT
from tests.testbed.process import Process

SCRAPE_TIMEOUT = 2.0
"""Seconds, as Prometheus says them in its header."""
_GUARD = 60.0
_FIRST, _OTHERS = 60.0, 5.0
"""Seconds that the API server is away: in the first round, and in the others."""


@dataclass(slots=True)
class _Stage:
    """A Diego of two pods, the exporter and blackbox_exporter looking at it."""

    bench: Bench
    where: Cluster
    diego: Diego
    exporter: Running
    blackbox: Running
    active: Process

    @property
    def addresses(self) -> tuple[str, str]:
        """Where the active BBS listens."""
        return self.diego.address("diego-api-0"), self.diego.network.bbs_service

    async def scrape(self) -> str:
        header = {"X-Prometheus-Scrape-Timeout-Seconds": str(SCRAPE_TIMEOUT)}
        return await fetch(self.bench.session, f"{self.exporter.url}/metrics", **header)

    async def says(self, series: str) -> float | None:
        """The exporter's number now."""
        return number(await self.scrape(), series)

    async def blackbox_says(self) -> float | None:
        """Whether blackbox_exporter finds the Service."""
        target = f"{self.diego.network.bbs_service}:{BBS_PORT}"
        return number(
            await fetch(self.bench.session, f"{self.blackbox.url}/probe?module=tcp&target={target}"), "probe_success"
        )

    async def listed(self, label: str) -> bool:
        """Whether a bare LIST of our own shows this label on the active pod; False while there is no answer."""
        try:
            async with asyncio.timeout(SCRAPE_TIMEOUT):
                pods = await self.diego.pods()
        except (OSError, TimeoutError):
            return False
        labels = next(pod["metadata"]["labels"] for pod in pods if pod["metadata"]["name"] == "diego-api-0")
        return bool(labels.get("skiff-role-active") == label)

    async def start_bbs(self) -> None:
        self.active = await self.bench.bbs(self.diego.certificates, *self.addresses)


def number(text: str, series: str) -> float | None:
    """The value of the first series of this name; None if there is none."""
    found = re.search(rf"^{series}(?:{{[^}}]*}})? (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else None


async def truth(bench: Bench, where: Cluster) -> Section:
    """Deaths, flips of the label, a frozen API server and a killed one."""
    section = Section("Truth: time until the numbers are right")
    rounds = 2 if bench.quick else 5
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(diego(where, bench.folder))
        config = write(bench.path("exporter.yaml"), {"environments": [found.environment()]})
        exporter = await bench.program("exporter", "exporter", config, where.plane.kubeconfig)
        blackbox = await bench.blackbox(found.certificates, found.layout.tls_server_name)
        active = await bench.bbs(found.certificates, found.address("diego-api-0"), found.network.bbs_service)
        stage = _Stage(bench, where, found, exporter, blackbox, active)
        await found.label("diego-api-0", "true")
        section.lines.append(await _deaths(stage, rounds))
        section.lines.append(await _flips(stage, rounds))
        away = [2.0] * rounds if bench.quick else [_FIRST, *[_OTHERS] * (rounds - 1)]
        for how in ("frozen", "killed"):
            await _outages(stage, how, away, section)
        for running in (exporter, blackbox):
            await asyncio.to_thread(running.process.stop)
        await asyncio.to_thread(stage.active.stop)
    return section


async def _deaths(stage: _Stage, rounds: int) -> Line:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        for took, says in ((ours, lambda: stage.says("bbs_reachable")), (theirs, stage.blackbox_says)):
            await until(_is(says, 1.0))
            await asyncio.to_thread(stage.active.kill)
            took.append(await until(_is(says, 0.0)))
            await stage.start_bbs()
    return Line("death of the BBS", "ms", Rounds(tuple(ours)), "blackbox", Rounds(tuple(theirs)))


async def _flips(stage: _Stage, rounds: int) -> Line:
    ours: list[float] = []
    theirs: list[float] = []
    says = _is(lambda: stage.says("active_bbs_count"), 0.0)
    for _ in range(rounds):
        for took, right in ((ours, says), (theirs, lambda: stage.listed("false"))):
            await stage.diego.label("diego-api-0", "true")
            await stage.diego.label("diego-api-0", "false")
            took.append(await until(right))
    await stage.diego.label("diego-api-0", "true")
    return Line("flip of the active label", "ms", Rounds(tuple(ours)), "bare LIST", Rounds(tuple(theirs)))


async def _outages(stage: _Stage, how: str, away: list[float], section: Section) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    scrapes = wrong = silent = 0
    for seconds in away:
        await until(_is(lambda: stage.says("stagekeeper_kubernetes_up"), 1.0))
        texts = await _while_away(stage, how, seconds)
        scrapes += len(texts)
        wrong += sum(_is_wrong(text) for text in texts)
        silent += sum(number(text, "stagekeeper_kubernetes_up") == 0 for text in texts)
        ready = _is(lambda: stage.says("diego_api_ready"), 2.0)
        back = asyncio.gather(until(ready), until(lambda: stage.listed("true")))
        await _come_back(stage, how)
        mine, bare = await back
        ours.append(mine)
        theirs.append(bare)
        await stage.start_bbs()
    line = Line(f"API server {how}: after it is back", "ms", Rounds(tuple(ours)), "bare LIST", Rounds(tuple(theirs)))
    section.lines.append(line)
    longest = f"{max(away):.0f} s"
    section.notes.append(
        f"API server {how} (up to {longest}): {scrapes} scrapes answered, {silent} said "
        f"stagekeeper_kubernetes_up 0 and left the pods' series out, {wrong} said something wrong; "
        "the BBS died meanwhile, and bbs_reachable told it."
    )


async def _while_away(stage: _Stage, how: str, seconds: float) -> list[str]:
    """What the exporter says while the API server is away; the active BBS dies at the beginning."""
    apiserver = stage.where.plane.apiserver
    await asyncio.to_thread(apiserver.freeze if how == "frozen" else apiserver.kill)
    await asyncio.to_thread(stage.active.kill)
    texts = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        texts.append(await stage.scrape())
        await asyncio.sleep(0.2)
    return texts


async def _come_back(stage: _Stage, how: str) -> None:
    if how == "frozen":
        await asyncio.to_thread(stage.where.plane.apiserver.thaw)
    else:
        await asyncio.to_thread(stage.where.plane.restart_apiserver)


def _is_wrong(text: str) -> bool:
    """Anything said of pods that nobody can know now, or of a BBS that is dead."""
    told = ("diego_api_ready", "active_bbs_count", "diego_api_desired", "diego_api_pod_ready")
    return number(text, "bbs_reachable") != 0 or any(number(text, series) is not None for series in told)


def _is(says: Callable[[], Awaitable[float | None]], wanted: float) -> Callable[[], Awaitable[bool]]:
    async def right() -> bool:
        return await says() == wanted

    return right


async def until(right: Callable[[], Awaitable[bool]]) -> float:
    """Ask again and again; milliseconds until it is right."""
    began = time.perf_counter()
    async with asyncio.timeout(_GUARD):
        while not await right():  # noqa: ASYNC110 -- a program is polled
            await asyncio.sleep(0.005)
    return (time.perf_counter() - began) * 1000
