"""A live stage: simulator, both programs, Prometheus and Alertmanager; an outage, and its remedy."""

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from simulator.actors import ActorOptions
from simulator.demo import configuration
from simulator.demo.command import TIMINGS
from simulator.demo.configuration import Ports
from simulator.demo.programs import Started, free_ports, running
from simulator.demo.scenarios import SCENARIOS
from simulator.demo.story import Story
from simulator.demo.watch import EVERY, Watcher
from simulator.environment import Options, simulated_environment
from tests.dashboards.ask import Prometheus, Window
from tests.testbed.patience import HANG_GUARD

BEFORE = 8.0
"""Seconds of health before the fault: enough for every rate."""
SETTLED = 4.0
"""Seconds that a state lasts before it is looked at: some scrapes and evaluations."""
CONFIRM_FOR = 25
"""Seconds from the fault to the proof: the alert comes after about 10, so the gates are seen while they wait."""
RATE_INTERVAL = "5s"
"""The scrapes are 1 s apart."""
LATE = 1.0
"""Seconds by which a busy machine stores a sample later than at its own time."""
_SERVES = (
    "min_over_time(environment:bbs_reachable:max[3s]) == 1 and on (environment) "
    'min_over_time(environment_diagnosis:diego_bbs_diagnosis:max{diagnosis="serving"}[3s]) == 1'
)
"""For some scrapes and evaluations, as panels see it: a scrape that a busy machine held up may tell otherwise."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When what was so, in Unix seconds."""

    began: float
    fault: float
    outage: float
    """The outage has its diagnosis, an alert and an open episode, and nothing was restarted yet."""
    recovered: float

    def healthy(self) -> Window:
        """Until just before the fault."""
        return Window(self.began, self.fault)

    def sick(self) -> Window:
        """Until the middle of the outage."""
        return Window(self.fault - BEFORE, self.outage)

    def cured(self) -> Window:
        """Until after the recovery."""
        return Window(self.fault - BEFORE, self.recovered)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    watcher: Watcher
    started: list[Started]
    prometheus: Prometheus

    async def play(self, in_the_outage: Callable[[], Awaitable[None]] | None = None) -> Moments:
        """Health, an outage, its remedy; in the middle of it `in_the_outage` may look around.

        TimeoutError if a part does not come; RuntimeError if a program ends.
        """
        watcher, began = self.watcher, time.time()
        for ready in ("bbs_reachable == 1", 'up{job="stagekeeper-remediator"} == 1'):
            await self._until(ready)
        await asyncio.sleep(BEFORE)
        watcher.remember_pods()
        watcher.story.begin()
        fault = await self._until(_SERVES) - LATE
        await watcher.scenario.cause(watcher.environment)
        await self._until('diego_bbs_diagnosis{diagnosis="no_active_bbs"} == 1')
        await self._until('stagekeeper_gate{gate="confirmation", answer="not_yet"} == 1')
        await asyncio.sleep(SETTLED / 2)
        if in_the_outage is not None:
            await in_the_outage()
        outage = time.time()
        async with asyncio.timeout(HANG_GUARD):
            while not await watcher.ended():
                await watcher.turn()
                await self._breathe()
        await asyncio.sleep(SETTLED)
        return Moments(began, fault, outage, await self._until(_SERVES) - LATE)

    async def _until(self, query: str) -> float:
        """The moment at which this was so."""
        async with asyncio.timeout(HANG_GUARD):
            while True:
                asked = time.time()
                if await self.watcher.value(query) is not None:
                    return asked
                await self._breathe()

    async def _breathe(self) -> None:
        for program in self.started:
            program.check()
        await asyncio.sleep(EVERY)


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Start everything; `folder` receives its files. MissingProgram if Prometheus or Alertmanager is not on PATH."""
    scenario, story = SCENARIOS["hang"], Story(io.StringIO())
    options = Options(actors=ActorOptions(timings=TIMINGS, label_interval=0.3))
    async with contextlib.AsyncExitStack() as stack:
        environment = await stack.enter_async_context(simulated_environment(scenario.layout, folder, options))
        ports = Ports(*free_ports(4))
        files = configuration.write(folder, environment, ports)
        _adapt(files.stagekeeper)
        started = await stack.enter_async_context(running(files, ports, environment.kubeconfig, story.tell))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        watcher = Watcher(environment, scenario, ports, story, session)
        url = f"http://127.0.0.1:{ports.prometheus}"
        yield Stage(watcher, started, Prometheus(session, url, configuration.NAME, RATE_INTERVAL))


def _adapt(file: Path) -> None:
    """The demo leaves the deep probe out, and its proof may be complete when the alert comes; panels show both."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for environment in document["environments"]:
        environment["deep_probe"] = True
    document["remediator"]["policy"]["confirm_for"] = CONFIRM_FOR
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
