"""How long an outage lasts at production settings: from the last BBS's death to the first DELETE, and to Recovered.

`pytest -s tests/whole_loop/test_speed.py` prints the figures. Time is fake, so they are those of the rhythms and waits
alone: an unloaded machine, with the intervals of our examples for Prometheus and Alertmanager.
"""

import asyncio
from pathlib import Path

import pytest

from remediator.remediation import Phase
from simulator.listener import accepts
from tests.whole_loop.stage import Stage, stage

pytestmark = pytest.mark.looptime
LONGEST_TO_DELETE = 295.0
"""Seconds, as docs/alerting.md budgets them."""


async def test_from_the_last_bbs_s_death_to_the_first_delete_and_to_recovered(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        loop = asyncio.get_running_loop()
        hanging = asyncio.create_task(played.env.faults.hang(cut=60))
        await _nobody_listens(played)
        died = loop.time()
        await played.until(lambda: played.alerting.fired_at is not None)
        await played.until(lambda: bool(played.deletions))
        deleted = loop.time()
        ended = await _closed(played)
        recovered = loop.time()
        await hanging
        fired = played.alerting.fired_at or died
        print(  # noqa: T201 -- the figures are what this is for
            f"\nfrom the last BBS's death: alert {fired - died:.0f} s, first DELETE {deleted - died:.0f} s "
            f"({deleted - fired:.0f} s after the alert), Recovered {recovered - died:.0f} s"
        )
        assert ended is Phase.RECOVERED
        assert deleted - died <= LONGEST_TO_DELETE


async def _nobody_listens(played: Stage) -> None:
    addresses = [pod["status"]["podIP"] for pod in played.env.pods()]
    while any([await accepts(address, played.env.bbs_port) for address in addresses]):  # noqa: ASYNC110 -- a port tells nobody
        await asyncio.sleep(0.5)


async def _closed(played: Stage) -> Phase:
    """The phase in which the first remediation ends, as soon as it has."""
    while (found := await played.remediations())[0].phase.open:  # noqa: ASYNC110 -- records tell nobody
        await asyncio.sleep(0.5)
    return found[0].phase
