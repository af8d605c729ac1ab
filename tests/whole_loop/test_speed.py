"""How long an outage lasts at production settings: from the last BBS's death to the first DELETE, and to Recovered.

`pytest -s tests/whole_loop/test_speed.py` prints the figures. Time is fake, so they are those of the rhythms and waits
alone: an unloaded machine, with the intervals of our examples for Prometheus and Alertmanager.
"""

import asyncio
import re
from pathlib import Path

import pytest

from remediator.remediation import Phase
from simulator.listener import accepts
from tests.whole_loop.stage import Stage, stage

pytestmark = pytest.mark.looptime
FROM_WEBHOOK_TO_DELETE = 15.0
"""Seconds at most, where the proof is complete when the webhook comes or soon after."""
APART = 15.0
"""Seconds by which a run may differ from the documented one: a scrape, and a check."""
_TABLE = Path(__file__).parents[2] / "docs/alerting.md"
_ROWS = ("the alert fires", "the webhook comes", "the first pod is deleted", "the remediation has ended `Recovered`")


def _documented(proof: str) -> list[float]:
    text = _TABLE.read_text(encoding="utf-8").partition("| from the death of the last BBS, in seconds |")[2]
    columns = dict(re.findall(r"^\| (.+?) \| (\d+ \| \d+) \|$", text, re.MULTILINE))
    return [float(columns[row].split(" | ")[proof == "anew"]) for row in _ROWS]


@pytest.mark.parametrize("proof", ["complete", "anew"])
async def test_from_the_last_bbs_s_death_to_the_first_delete_and_to_recovered(tmp_path: Path, proof: str) -> None:
    """`anew`: the remediator begins without memory when the alert fires, so its proof begins only then."""
    async with stage("cfee-2", tmp_path) as played:
        loop = asyncio.get_running_loop()
        hanging = asyncio.create_task(played.env.faults.hang(cut=60))
        await _nobody_listens(played)
        died = loop.time()
        if proof == "anew":
            await played.until(lambda: played.alerting.fired_at is not None)
            await played.replicas[0].kill()
            played.replicas[0].start()
        await played.until(lambda: bool(played.deletions))
        deleted = loop.time()
        assert await _closed(played) is Phase.RECOVERED
        recovered = loop.time()
        await hanging
        fired, called = played.alerting.fired_at, played.alerting.called_at
        assert fired is not None
        assert called is not None
        measured = [moment - died for moment in (fired, called, deleted, recovered)]
        print(f"\nproof {proof}, from the last BBS's death:", dict(zip(_ROWS, measured, strict=True)))  # noqa: T201 -- what this is for
        if proof == "complete":
            assert deleted - called <= FROM_WEBHOOK_TO_DELETE
        assert measured == pytest.approx(_documented(proof), abs=APART)


async def _nobody_listens(played: Stage) -> None:
    addresses = [pod["status"]["podIP"] for pod in played.env.pods()]
    while any([await accepts(address, played.env.bbs_port) for address in addresses]):  # noqa: ASYNC110 -- a port tells nobody
        await asyncio.sleep(0.5)


async def _closed(played: Stage) -> Phase:
    """The phase in which the first remediation ends, as soon as it has."""
    while (found := await played.remediations())[0].phase.open:  # noqa: ASYNC110 -- records tell nobody
        await asyncio.sleep(0.5)
    return found[0].phase
