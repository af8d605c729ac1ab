"""Every alert is made to fire by causing its cause, reaches a person, and is resolved by the cure.

Real Prometheus, Alertmanager, exporters and remediators; Diego and Kubernetes are simulated. The rules are the usual
ones with shorter waits, the routes and inhibitions are those of the example.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.alerts_live import causes
from tests.alerts_live.monitoring import monitoring
from tests.alerts_live.rules import alerts
from tests.alerts_live.site import LOOPBACK, Way, running_site
from tests.alerts_live.trial import Proof, Trial, table
from tests.testbed.process import free_port

pytestmark = [pytest.mark.programs, pytest.mark.timeout(900)]  # 28 alerts in turn, each within two minutes
SITES: dict[str, Way] = {
    "outage": "service",
    "labels": "past the Service",
    "slow": "forwarded",
    "blind": "service",
}
READY = f"count(bbs_reachable == 1) == {len(SITES)} and on () (count(up == 1) == {2 * len(SITES)})"


async def proofs(program: Callable[[str], Path], folder: Path) -> list[Proof]:
    """Trouble every site in every way."""
    alertmanagers = tuple(f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    async with contextlib.AsyncExitStack() as exits:
        sites = [
            await exits.enter_async_context(running_site(name, folder / name, alertmanagers, way))
            for name, way in SITES.items()
        ]
        watching = await exits.enter_async_context(monitoring(program, folder / "monitoring", sites, alertmanagers))
        await watching.until(READY)
        outage, labels, slow, blind = sites
        trial = Trial(watching.pager)
        async with asyncio.TaskGroup() as together:
            together.create_task(causes.outage(trial, outage))
            together.create_task(causes.labels(trial, labels, watching))
            together.create_task(causes.slow(trial, slow))
            together.create_task(causes.blind(trial, blind))
            together.create_task(causes.calls(trial, outage, watching))
        await causes.wrong_routes(trial, labels, watching)
        await causes.nothing_is_left(trial, sites)
    return trial.proofs


async def test_every_alert_fires_because_of_its_cause_and_ends_with_it(
    program: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = await proofs(program, tmp_path)
    with capfd.disabled():
        sys.stderr.write(f"\n{table(found)}\n")
    assert {proof.wanted.alert for proof in found} == alerts()
