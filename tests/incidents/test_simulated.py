"""Every incident that the simulator can play goes through the whole loop, under fake time.

Probes over mutual TLS, the Kubernetes API over HTTPS, Alertmanager and the webhook over HTTP: only time is not real.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents.format import Fault, Incident, Simulate
from remediator.remediation import Phase
from tests.incidents.corpus import NAMES, incident
from tests.incidents.stage import Stage, stage
from tests.incidents.verbs import Verbs


def _simulate(name: str) -> Simulate:
    found = incident(name).simulate
    assert found is not None, f"{name} must say how it is simulated, or why it can't be"
    return found


NEVER = datetime.max.replace(tzinfo=UTC)
QUIET = 80.0
"""Seconds after the end of a remediation: longer than a resync and a webhook's retry take together."""
PLAYED = [name for name in NAMES if not _simulate(name).impossible]


async def play(played: Stage, simulate: Simulate, remediations: int) -> None:
    """Let every fault happen at its time, each on its own, and wait until all is over, or `until`."""
    verbs, loop = Verbs(played), asyncio.get_running_loop()
    ends = loop.time() + simulate.until

    async def happen(each: Fault) -> None:
        await asyncio.sleep(each.at)
        deed = getattr(verbs, each.fault, None) or getattr(played.env.faults, each.fault)
        await deed(**each.options)

    async with asyncio.TaskGroup() as faults:
        for each in simulate.faults:
            faults.create_task(happen(each))
    while loop.time() < ends and not await is_over(played, remediations):  # noqa: ASYNC110 -- records tell nobody
        await asyncio.sleep(QUIET / 4)


async def is_over(played: Stage, expected: int) -> bool:
    """Whether the last remediation has ended long enough ago that a wrong next one would have been opened."""
    remediations = await played.remediations()
    return len(remediations) >= max(1, expected) and played.env.clock.now() - (
        remediations[-1].closed_at or NEVER
    ) >= timedelta(seconds=QUIET)


@pytest.mark.looptime
@pytest.mark.parametrize("name", PLAYED)
async def test_the_whole_loop_does_the_right_thing(name: str, tmp_path: Path) -> None:
    case, simulate = incident(name), _simulate(name)
    async with stage(case, tmp_path) as played:
        await play(played, simulate, len(_phases(case, simulate)))
        remediations = await played.remediations()
        told = [f"{each.phase} {each.reason}: {each.message}" for each in remediations]
        assert [each.phase for each in remediations] == _phases(case, simulate), told
        assert sorted(played.deleted) == sorted(_deletions(case, simulate)), told


def _phases(case: Incident, simulate: Simulate) -> Sequence[Phase]:
    if simulate.remediations is not None:
        return simulate.remediations
    return case.expect.remediations if case.expect.remediations is not None else [case.expect.phase or Phase.WATCHING]


def _deletions(case: Incident, simulate: Simulate) -> Sequence[str]:
    return (simulate.deletions if simulate.deletions is not None else case.expect.deletions) or []


def test_at_least_25_incidents_are_played_and_the_others_say_why_not() -> None:
    assert len(PLAYED) >= 25
    assert all(_simulate(name).impossible for name in NAMES if name not in PLAYED)
