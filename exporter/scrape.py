"""Observes when it is asked to, each environment at most once at a time, and answers in time whatever happens.

No cache: a scrape that begins after an observation has ended takes a new one. A scrape that begins while an observation
is under way shares it. The observation belongs to nobody who waits for it, so a scraper that goes away takes nothing
from the others.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from exporter.assessment import JudgedObservation, blind, judged
from exporter.counters import Counters
from exporter.history import KeptObservation, entry, tell
from exporter.samples import ScrapeData
from stagekeeper.diego.observation import Observation, Unknown
from stagekeeper.diego.profiles import Environment, TlsFiles
from stagekeeper.service.files import Reloaded
from stagekeeper.service.tls import TlsFilesError, certificate_expiry

OBSERVATION_SHARE = 0.9
"""The share of a scrape's time that an observation is told to use; every part of it is bounded by that."""
CUT_SHARE = 0.95
"""The share after which an observation is cut off. What is left is for writing the answer."""

AT_ONCE = 8
"""Observations that have a turn at the same time. More are done no sooner, and hold up the event loop together."""
TURN = 0.1
"""Seconds after which an observation that has not ended gives its turn to the next: by then it waits for others and
computes no more. So 80 begin in each second however slow the API server is: while it is frozen and each takes the whole
timeout of a request, one scrape of 10 s still tells of 700 environments whether their Service answers."""

Observe = Callable[[float], Awaitable[Observation]]
"""Observes one environment within so many seconds: `Observer.observe`."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class CertificateDates:
    """The dates of the client certificate and of the CA, read anew only when a file has changed."""

    def __init__(self, files: TlsFiles | None) -> None:
        paths = {"client": files.cert_file, "ca": files.ca_file} if files else {}
        self._dates = {which: _followed(which, path) for which, path in paths.items()}

    def current(self) -> Mapping[str, datetime]:
        """The date by `client` and `ca`; a file that was never usable is left out, and the probe tells why."""
        found: dict[str, datetime] = {}
        for which, date in self._dates.items():
            try:
                found[which] = date.current()
            except TlsFilesError:
                continue
        return found


def _followed(which: str, path: Path) -> Reloaded[datetime]:
    # A rotation keeps the old CA beside the new one for a while: trust ends with the last of them.
    return Reloaded(f"The {which} certificate", [path], partial(certificate_expiry, path, last=which == "ca"))


class ScrapedEnvironment:
    """One environment: the observation under way, and what is kept from observation to observation."""

    def __init__(
        self,
        environment: Environment,
        take: Observe,
        keep: int,
        clock: Callable[[], float],
        turns: asyncio.Semaphore,
    ) -> None:
        self.environment = environment
        self.counters = Counters()
        self.history: deque[KeptObservation] = deque(maxlen=keep)
        self.latest: JudgedObservation | None = None
        self._take, self._clock, self._turns = take, clock, turns
        self._certificates = CertificateDates(environment.tls)
        self._under_way: asyncio.Task[JudgedObservation] | None = None

    async def observe(self, within: float) -> JudgedObservation | None:
        """The result of the observation under way, or of a new one.

        None if it does not come within `within` seconds.
        """
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(
                self._assessment(within), name=f"The observation of {self.environment.name}"
            )
        task = self._under_way
        done, _ = await asyncio.wait({task}, timeout=within)
        return task.result() if done and not task.cancelled() else None

    async def scrape(self, within: float) -> ScrapeData:
        """What a scrape with `within` seconds may say of this environment."""
        assessment = await self.observe(within)
        applicable = self.latest is None or self.latest.applicable
        return ScrapeData(self.environment.name, assessment, self.counters, self._certificates.current(), applicable)

    def keep(self, observations: int) -> None:
        """Remember so many observations from now on."""
        self.history = deque(self.history, maxlen=observations)

    def follow(self, old: "ScrapedEnvironment") -> None:
        """Go on with the counts of the target that this one replaces: a counter must not fall at a reload."""
        self.counters, self.latest = old.counters, old.latest
        self.history.extend(old.history)

    async def close(self) -> None:
        """Cut off the observation under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way})

    async def _assessment(self, within: float) -> JudgedObservation:
        loop = asyncio.get_running_loop()
        asked = began = loop.time()
        found: JudgedObservation | None = None
        why = Unknown("The observation failed; the exporter's log says why.", "failed")
        try:
            async with asyncio.timeout(within * CUT_SHARE), _turn(self._turns):
                began = loop.time()
                observation = await self._take(within * OBSERVATION_SHARE - (began - asked))
            found = judged(observation, self._clock(), loop.time() - began)
        except TimeoutError:
            why = Unknown(f"The observation did not end within {within * CUT_SHARE:.3g} s.", "timeout")
        except Exception:  # noqa: BLE001 -- the edge of a task: the scrape is answered all the same
            _log.exception("An observation failed: unexpected error.", environment=self.environment.name)
        return self._remember(found or blind(self.environment.name, why, self._clock(), loop.time() - began))

    def _remember(self, assessment: JudgedObservation) -> JudgedObservation:
        tell(self.latest, assessment)
        self.counters = self.counters.add(assessment)
        self.latest = assessment
        if self.history.maxlen:
            self.history.append(entry(assessment, self._certificates.current()))
        return assessment


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait for a turn, and keep it until the block ends, but for no longer than `TURN` seconds."""
    await turns.acquire()
    with ExitStack() as turn:
        turn.callback(turns.release)
        turn.callback(asyncio.get_running_loop().call_later(TURN, turn.close).cancel)
        yield


class Targets:
    """All environments of the configuration."""

    def __init__(self, observe: Callable[[Environment], Observe], clock: Callable[[], float] = time.time) -> None:
        self._observe, self._clock = observe, clock
        self._targets: dict[str, ScrapedEnvironment] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def use(self, environments: Iterable[Environment], keep: int) -> None:
        """Observe these from now on, and show `keep` observations of each.

        An unchanged environment goes on undisturbed.
        """
        old = self._targets
        self._targets = {each.name: self._target(each, old.get(each.name), keep) for each in environments}
        staying = set(self._targets.values())
        for target in old.values():
            if target not in staying:
                await target.close()

    def _target(self, environment: Environment, known: ScrapedEnvironment | None, keep: int) -> ScrapedEnvironment:
        if known is not None and known.environment == environment:
            known.keep(keep)
            return known
        new = ScrapedEnvironment(environment, self._observe(environment), keep, self._clock, self._turns)
        if known is not None:
            new.follow(known)
        return new

    async def scrape(self, within: float) -> tuple[ScrapeData, ...]:
        """What is seen of every environment within `within` seconds, all observed at once."""
        asked = []
        async with asyncio.TaskGroup() as group:
            for number, target in enumerate(self._targets.values(), 1):
                asked.append(group.create_task(target.scrape(within)))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)  # whoever else is served by this event loop has a turn in between
        return tuple(task.result() for task in asked)

    def history(self) -> list[KeptObservation]:
        """The recent observations of all environments, newest first."""
        entries = (each for target in self._targets.values() for each in target.history)
        return sorted(entries, key=lambda each: each.ended_at, reverse=True)

    async def aclose(self) -> None:
        """Cut off every observation under way."""
        await asyncio.gather(*(target.close() for target in self._targets.values()))
