"""What was seen counts, also where nothing came of it."""

from contextlib import suppress

import pytest

from remediator.reconciler import Reconciler
from remediator.remediation import Phase, Remediation
from remediator.streaks import Streaks
from stagekeeper.diego.observation import Observation, Reply
from stagekeeper.kube.errors import Conflict, KubeError, Unavailable
from tests.diego.observations import bbs, healthy, hung, observation, unknown
from tests.remediator.builders import ACT, every, remediation
from tests.remediator.receiving import MemoryCluster

EXPIRED = observation(bbs(0, Reply.TLS), bbs(1))
LISTENS_BLIND = observation(bbs(0, Reply.OK), bbs(1), pods=unknown("HTTP 500"), service=Reply.OK)


class Unlucky(MemoryCluster):
    """Of which an observation is lost: the record can't be read, or another replica has written meanwhile."""

    lost: KubeError | None = None
    while_loading = True

    async def load(self, name: str) -> Remediation:
        """Once not."""
        if self.lost and self.while_loading:
            problem, self.lost = self.lost, None
            raise problem
        return await super().load(name)

    async def swap(self, remediation: Remediation) -> Remediation:
        """Once not."""
        if self.lost:
            problem, self.lost = self.lost, None
            self.seen = hung()
            raise problem
        return await super().swap(remediation)


def confirming() -> Reconciler:
    """It has seen the hang for 110 s of the 120."""
    streaks = Streaks()
    for each in every(5, 110):
        streaks = streaks.saw(each, ACT.tolerance)
    records = Unlucky(remediation())
    records.seconds = 110
    return Reconciler(records, ACT, streaks=streaks.for_another())


@pytest.mark.parametrize("seen", [healthy(), EXPIRED, LISTENS_BLIND])
@pytest.mark.parametrize("while_loading", [True, False])
async def test_what_contradicts_it_is_not_forgotten_where_the_step_ends_early(
    seen: Observation, *, while_loading: bool
) -> None:
    reconciler = confirming()
    records = reconciler.cluster
    assert isinstance(records, Unlucky)
    records.while_loading, records.seen = while_loading, seen
    records.lost = Unavailable("HTTP 503") if while_loading else Conflict("another replica")
    with suppress(Unavailable):
        await reconciler.reconcile()
    records.seen, records.lost = hung(), None
    for _ in range(4):
        await reconciler.reconcile()
    assert records.remediations[1].phase is Phase.WATCHING


async def test_what_a_resync_saw_counts_too() -> None:
    reconciler = confirming()
    reconciler.cluster.seen = healthy()  # type: ignore[attr-defined]
    await reconciler._unhealthy()
    assert reconciler.streaks.diagnosis is None


async def test_without_such_an_observation_the_plan_is_made() -> None:
    reconciler = confirming()
    await reconciler.reconcile()
    await reconciler.reconcile()
    assert (await reconciler.cluster.load("diego-api-r1")).plan is not None
