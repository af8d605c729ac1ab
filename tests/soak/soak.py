"""Both programs as processes, scraped and alerted at the same time while one thing after the other breaks."""

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml

from simulator.actors import ActorOptions
from simulator.clock import timestamp
from simulator.diego import Timings
from simulator.environment import Environment, Options, simulated_environment
from simulator.layouts import CFEE_2
from simulator.resources import REMEDIATIONS
from tests.exporter.programs import configuration, number
from tests.soak.faults import faults
from tests.testbed.patience import HANG_GUARD, until
from tests.testbed.process import Process, free_port, serving

SCRAPERS, ALERTERS = 8, 4
MOST_GROWTH = 32.0
"""MiB. Thousands of failed TLS handshakes raise the working set by 8 to 18 MiB, once; a leak has no such end."""
QUICK = Options(ActorOptions(timings=Timings(lock_retry=0.1)))
"""The lock lives as long as a real one: an event loop that is busy for seconds must not let a healthy BBS lose it."""
_TOKEN = "the-token-of-the-soak"
_SCRAPE = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}
"""So much that a probe on a busy machine ends in time: one that does not is told as an outage, rightly."""
_POLICY = {"hold_off": 0, "keep": 1000, "cooldown": 0, "budget": 100}
_RHYTHM = {"open": 0.2, "list": 0.2, "observe": 0.2, "resync": 5, "observation_timeout": 2}


@dataclass(slots=True)
class Program:
    """One of ours, as a process."""

    url: str
    process: Process

    def descriptors(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def memory(self) -> float:
        """Its resident memory in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024


@dataclass(slots=True)
class Stage:
    """The environment, both programs, and what was promised to whom."""

    environment: Environment
    folder: Path
    session: aiohttp.ClientSession
    exporter: Program
    remediator: Program
    scrapes: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    """Names of the records that the webhook's answers promised."""

    async def scrape(self) -> str:
        """One answer to a scrape; there must be one, whatever is broken."""
        async with asyncio.timeout(HANG_GUARD):
            async with self.session.get(f"{self.exporter.url}/metrics", headers=_SCRAPE) as answer:
                assert answer.status == 200
                return await answer.text()

    async def alert(self) -> None:
        """One notification, and what was made of it."""
        now = timestamp(self.environment.clock.now())
        alert = {
            "status": "firing",
            "labels": {"alertname": "StagerUnavailable", "environment": "cf"},
            "startsAt": now,
        }
        body = {"version": "4", "alerts": [alert]}
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        async with asyncio.timeout(HANG_GUARD):
            url = f"{self.remediator.url}/api/v1/alerts"
            async with self.session.post(url, json=body, headers=headers) as answer:
                self.answers[answer.status] += 1
                assert answer.status in {200, 503}, await answer.text()
                if answer.status == 200:
                    (result,) = (await answer.json())["results"]
                    self.accepted.add(result["remediation"])

    def records(self) -> set[str]:
        """The names of the stored records."""
        found = self.environment.store.select(REMEDIATIONS, self.environment.namespace)
        return {each["metadata"]["name"] for each in found}

    def uids(self) -> set[str]:
        """The BBS pods there are."""
        return {pod["metadata"]["uid"] for pod in self.environment.pods()}


def right(text: str) -> bool:
    """Everything that a serving environment is told to be."""
    wanted = {"bbs_reachable": 1, "diego_api_ready": 2, "active_bbs_count": 1, "stagekeeper_kubernetes_up": 1}
    return all(number(text, f'{series}{{environment="cf"}}') == value for series, value in wanted.items())


def wrong(text: str) -> list[str]:
    """What is said that is not so, of an environment that serves all the time. Saying nothing is not wrong."""
    truth = {"bbs_reachable": 1, "diego_api_ready": 2, "active_bbs_count": 1, "diego_api_desired": 2}
    said = {series: number(text, f'{series}{{environment="cf"}}') for series in truth}
    return [f"{series} {value:g}" for series, value in said.items() if value not in (None, truth[series])]


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """An environment that serves, and both programs looking at it."""
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(CFEE_2, folder, QUICK))
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        flags: list[str | Path] = ["--config.file", _configuration(folder, cf), "--kubeconfig", cf.kubeconfig]
        exporter = await stack.enter_async_context(program(folder, "exporter", flags))
        remediator = await stack.enter_async_context(program(folder, "remediator", flags))
        yield Stage(cf, folder, session, exporter, remediator)


def _configuration(folder: Path, cf: Environment) -> Path:
    """Both programs' file: the environment, and another whose name nobody resolves."""
    path = configuration(folder, cf, timeouts={"api": 0.4, "probe": 8})
    document = yaml.safe_load(path.read_text())
    document["environments"].append({"name": "nameless", "namespace": "nowhere", "service": {"host": "bbs.invalid"}})
    token = folder / "webhook-token"
    token.write_text(_TOKEN)
    document["remediator"] = {
        "mode": "act",
        "webhook": {"token_file": str(token)},
        "alertmanagers": [{"url": "http://127.0.0.1:1"}],
        "policy": _POLICY,
        "rhythm": _RHYTHM,
    }
    path.write_text(yaml.safe_dump(document))
    return path


@asynccontextmanager
async def program(folder: Path, name: str, flags: list[str | Path], prefix: str = "") -> AsyncIterator[Program]:
    """One of our programs, ready. `prefix` is a shell's, such as `ulimit -n 64;`."""
    address = f"127.0.0.1:{free_port()}"
    python = [sys.executable, "-m", name, f"--web.listen-address={address}", *flags]
    argv: list[str | Path] = ["sh", "-c", f'{prefix} exec "$@"', "sh", *python]
    async with serving(name, argv, folder / f"{name}.log", address) as process:
        yield Program(f"http://{address}", process)


async def soak(on: Stage, scrapes: int, webhooks: int, say: Callable[[str], None] = lambda _: None) -> None:
    """So many of each, shared out over all faults. AssertionError says what did not hold."""
    pods = on.uids()
    found = faults(on.environment, on.folder)
    await _load(on, scrapes // 10, webhooks // 10)  # caches fill, lists grow
    await until_right(on)
    before = [(each.descriptors(), each.memory()) for each in (on.exporter, on.remediator)]
    for name, fault in found.items():
        fault.begin(on.environment)
        try:
            await _load(on, scrapes // len(found), webhooks // len(found))
        finally:
            fault.end(on.environment)
        await on.scrape()  # it may share an observation that began during the fault
        await until_right(on)
        sizes = " and ".join(f"{each.memory():.0f} MiB" for each in (on.exporter, on.remediator))
        say(f"  {name}: {on.scrapes} scrapes, {dict(on.answers)} webhooks so far, {sizes}")
    assert on.uids() == pods, "pods of an environment that served all the time were deleted"
    assert on.accepted <= on.records(), f"alerts were accepted and not recorded: {on.accepted - on.records()}"
    for each, (descriptors, memory) in zip((on.exporter, on.remediator), before, strict=True):
        await until(lambda: _no_more(each, descriptors), f"{each.process.name} back at {descriptors} descriptors")  # noqa: B023
        grown = each.memory() - memory
        assert grown < MOST_GROWTH, f"{each.process.name} grew by {grown:.1f} MiB"
        say(f"  {each.process.name}: {each.descriptors()} descriptors, {grown:+.1f} MiB since the beginning")


async def until_right(on: Stage) -> None:
    """One of the next observations must be right: on a machine that is busy one may end before its probes do."""
    text = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(HANG_GUARD):
            while not right(text):
                text = await on.scrape()
            return
    raise AssertionError("\n".join(line for line in text.splitlines() if 'environment="cf"' in line))


def _no_more(found: Program, descriptors: int) -> bool:
    return found.descriptors() <= descriptors + SCRAPERS + ALERTERS


async def _load(on: Stage, scrapes: int, webhooks: int) -> None:
    """Scrapes and webhooks at once, each by several callers."""
    todo = itertools.count()

    async def scrape() -> None:
        while next(todo) < scrapes:
            lies = wrong(await on.scrape())
            assert not lies, f"the exporter said {lies}"
            on.scrapes += 1

    alerts = itertools.count()

    async def alert() -> None:
        while next(alerts) < webhooks:
            await on.alert()

    async with asyncio.TaskGroup() as group:
        for _ in range(SCRAPERS):
            group.create_task(scrape())
        for _ in range(ALERTERS):
            group.create_task(alert())
