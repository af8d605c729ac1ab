"""Looks on demand: one at a time, always in time, owned by nobody who waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter import scrape
from exporter.samples import ScrapeData
from exporter.scrape import Observe, Targets
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.profiles import Environment
from tests.exporter.builders import hung, serving

CF = resolve(EnvironmentSettings(name="cf"))
OTHER = resolve(EnvironmentSettings(name="other", namespace="other"))


class StubObserver:
    """Looks when it is let: `begun` counts looks, `release` lets all of them end."""

    def __init__(self, answer: Callable[[], Observation] = serving) -> None:
        self.answer = answer
        self.begun = 0
        self.cancelled = 0
        self.within = 0.0
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    async def observe(self, within: float) -> Observation:
        """Wait to be let, then answer."""
        self.begun += 1
        self.within = within
        self.started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.answer()


@asynccontextmanager
async def targets(assessment: Observe, *environments: Environment, keep: int = 5) -> AsyncIterator[Targets]:
    async with aclosing(Targets(lambda _environment: assessment)) as found:
        await found.use(environments or (CF,), keep)
        yield found


def diagnosis(seen: tuple[ScrapeData, ...]) -> Condition | None:
    return seen[0].assessment.diagnosis.name if seen[0].assessment else None


async def test_scrapers_at_the_same_time_share_one_observation() -> None:
    observer = StubObserver()
    async with targets(observer.observe) as found:
        scrapes = [asyncio.create_task(found.scrape(10)) for _ in range(3)]
        await observer.started.wait()
        observer.release.set()
        answers = await asyncio.gather(*scrapes)
    assert observer.begun == 1
    assert [diagnosis(each) for each in answers] == [Condition.SERVING] * 3
    assert [each[0].counters.observations for each in answers] == [1, 1, 1]


async def test_an_observation_that_waits_for_its_turn_is_told_of_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "AT_ONCE", 1)
    monkeypatch.setattr(scrape, "TURN", 60)
    observer = StubObserver()
    async with targets(observer.observe, CF, OTHER) as found:
        both = asyncio.create_task(found.scrape(10))
        await observer.started.wait()
        first = observer.within
        await asyncio.sleep(0.2)
        observer.release.set()
        await both
    assert first == pytest.approx(9, abs=0.1)
    assert observer.within < first - 0.15


@pytest.mark.looptime
async def test_an_observation_that_only_waits_gives_its_turn_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "AT_ONCE", 1)
    loop, began = asyncio.get_running_loop(), list[float]()

    async def frozen(_within: float) -> Observation:
        began.append(loop.time())
        await asyncio.sleep(5)
        return serving()

    async with targets(frozen, CF, OTHER) as found:
        for _ in range(2):
            await found.scrape(20)
    assert [each - began[0] for each in began] == pytest.approx([0, 0.1, 5.1, 5.2])


async def test_scrapes_after_each_other_take_an_observation_each() -> None:
    observer = StubObserver()
    observer.release.set()
    async with targets(observer.observe) as found:
        await found.scrape(10)
        observer.answer = hung
        assert diagnosis(await found.scrape(10)) is Condition.NO_ACTIVE_BBS
    assert observer.begun == 2


async def test_a_scraper_that_goes_away_leaves_the_observation_to_the_others() -> None:
    observer = StubObserver()
    async with targets(observer.observe) as found:
        leaving, staying = asyncio.create_task(found.scrape(10)), asyncio.create_task(found.scrape(10))
        await observer.started.wait()
        leaving.cancel()
        await asyncio.wait({leaving})
        observer.release.set()
        assert diagnosis(await staying) is Condition.SERVING
    assert observer.cancelled == 0


@pytest.mark.looptime
async def test_an_observation_that_never_ends_is_answered_in_time_with_what_is_known() -> None:
    observer, loop = StubObserver(), asyncio.get_running_loop()
    async with targets(observer.observe) as found:
        began = loop.time()
        (seen,) = await found.scrape(9.5)
        assert loop.time() - began == pytest.approx(9.025)
    assert seen.assessment is not None
    assert seen.assessment.diagnosis.name is Condition.OBSERVER_FAULT
    assert seen.assessment.kubernetes_failure == "timeout"
    assert observer.within == pytest.approx(8.55)
    assert observer.cancelled == 1


@pytest.mark.looptime
async def test_an_observation_that_can_not_even_be_cancelled_is_answered_in_time() -> None:
    stuck, loop = asyncio.Event(), asyncio.get_running_loop()

    async def deaf(_within: float) -> Observation:
        while not stuck.is_set():
            try:
                await stuck.wait()
            except asyncio.CancelledError:
                continue
        return serving()

    async with targets(deaf) as found:
        began = loop.time()
        (seen,) = await found.scrape(2)
        assert loop.time() - began == pytest.approx(2)
        stuck.set()
    assert seen.assessment is None


@pytest.mark.looptime
async def test_a_hurried_scraper_does_not_wait_for_a_patient_ones_observation() -> None:
    observer, loop = StubObserver(), asyncio.get_running_loop()
    async with targets(observer.observe) as found:
        patient = asyncio.create_task(found.scrape(60))
        await observer.started.wait()
        began = loop.time()
        (seen,) = await found.scrape(1)
        assert loop.time() - began == pytest.approx(1)
        assert seen.assessment is None
        observer.release.set()
        assert diagnosis(await patient) is Condition.SERVING


@pytest.mark.looptime
async def test_environments_are_looked_at_at_the_same_time() -> None:
    loop = asyncio.get_running_loop()

    async def slow(_within: float) -> Observation:
        await asyncio.sleep(3)
        return serving()

    async with targets(slow, CF, OTHER) as found:
        await asyncio.sleep(1)
        began = loop.time()
        answers = await found.scrape(10)
        assert loop.time() - began == pytest.approx(3)
    assert [each.environment for each in answers] == ["cf", "other"]
    assert [each.counters.observation_seconds for each in answers] == pytest.approx([3, 3])


async def test_an_observation_that_raises_is_an_observer_fault_and_told_in_the_log() -> None:
    async def broken(_within: float) -> Observation:
        raise RuntimeError("a defect")

    with capture_logs() as lines:
        async with targets(broken) as found:
            (seen,) = await found.scrape(10)
    assert seen.assessment is not None
    assert seen.assessment.kubernetes_failure == "failed"
    assert seen.assessment.diagnosis.name is Condition.OBSERVER_FAULT
    assert any(line["log_level"] == "error" and line["environment"] == "cf" for line in lines)


async def test_an_observation_that_can_not_be_judged_is_an_observer_fault_and_told_in_the_log() -> None:
    async def broken(_within: float) -> Any:
        return "what no diagnosis is made for"

    with capture_logs() as lines:
        async with targets(broken, CF, OTHER) as found:
            seen = await found.scrape(10)
    assert [each.assessment and each.assessment.diagnosis.name for each in seen] == [Condition.OBSERVER_FAULT] * 2
    assert [line["environment"] for line in lines if line["log_level"] == "error"] == ["cf", "other"]


async def test_the_end_of_the_program_cuts_off_the_observation_under_way() -> None:
    observer = StubObserver()
    async with targets(observer.observe) as found:
        scrape = asyncio.create_task(found.scrape(10))
        await observer.started.wait()
    assert observer.cancelled == 1
    assert (await scrape)[0].assessment is None


async def test_recent_observations_are_few_and_the_newest_comes_first() -> None:
    observer = StubObserver()
    observer.release.set()
    moments = iter(range(100, 200))
    found = Targets(lambda _environment: observer.observe, clock=lambda: float(next(moments)))
    await found.use((CF, OTHER), 2)
    for _ in range(4):
        await found.scrape(10)
    assert [assessment.ended_at for assessment in found.history()] == [107, 106, 105, 104]


async def test_an_environment_that_changes_at_a_reload_keeps_its_counts() -> None:
    observer = StubObserver()
    observer.release.set()
    async with targets(observer.observe) as found:
        await found.scrape(10)
        await found.use((replace(CF, port=8890),), 5)
        (seen,) = await found.scrape(10)
        assert len(found.history()) == 2
    assert seen.counters.observations == 2


async def test_an_unchanged_environment_goes_on_undisturbed_at_a_reload() -> None:
    observer = StubObserver()
    async with targets(observer.observe) as found:
        scrape = asyncio.create_task(found.scrape(10))
        await observer.started.wait()
        await found.use((CF,), 1)
        observer.release.set()
        assert diagnosis(await scrape) is Condition.SERVING
    assert observer.cancelled == 0


async def test_an_environment_that_is_gone_from_the_configuration_is_gone_from_the_answer() -> None:
    observer = StubObserver()
    observer.release.set()
    async with targets(observer.observe, CF, OTHER) as found:
        await found.use((OTHER,), 5)
        assert [each.environment for each in await found.scrape(10)] == ["other"]
