"""What a person asks by the one object that anybody may create: taken up once, in bounds, and then out of the way."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator import record
from remediator.cluster import TargetRecords
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.record import Unreadable
from remediator.remediation import Asked, Remediation
from stagekeeper.kube.objects import timestamp
from tests.diego.observations import NOW
from tests.remediator.builders import ACT, remediation
from tests.remediator.receiving import MemoryCluster

SPEC = {
    "environment": "another",
    "person": "kim",
    "why": "it hangs",
    "accept": "frozen",
    "alertname": "x",
    "mode": "act",
}


class Asking(MemoryCluster):
    """Records in memory, and what a person asks."""

    def __init__(self, *found: Remediation, asked: Asked | None) -> None:
        super().__init__(*found)
        self.wish = asked

    async def listing(self) -> TargetRecords:
        """With what is asked."""
        return replace(await super().listing(), asked=self.wish)

    async def withdraw(self, asked: Asked) -> None:
        """It is out of the way."""
        assert self.wish is not None
        assert asked.uid == self.wish.uid
        self.wish = None


def stored(**metadata: Any) -> Mapping[str, Any]:
    own = {"name": "diego-api-request", "uid": "u1", "creationTimestamp": timestamp(NOW)}
    return {"metadata": {**own, **metadata}, "spec": SPEC}


def wish(**metadata: Any) -> Asked:
    found = record.asked(stored(**metadata), "cf")
    assert found is not None
    return found


async def taken_up(cluster: Asking) -> list[Remediation]:
    """The records after it was taken up; nothing is asked any more."""
    listing = await cluster.listing()
    assert listing.asked is not None
    await Reconciler(cluster, ACT).take_up(listing.asked, listing.now)
    assert cluster.wish is None
    return [*cluster.remediations.values()]


async def test_a_remediation_is_opened_in_that_persons_name_and_of_the_rest_nothing_is_taken() -> None:
    [opened] = await taken_up(Asking(asked=wish()))
    assert opened.name == "diego-api-r1"
    request = {
        "environment": "cf",
        "person": "kim",
        "why": "it hangs",
        "accept": "frozen",
        "requestUid": "u1",
        "mode": "act",
    }
    assert record.spec(opened.request) == request


@pytest.mark.parametrize(("ago", "opened"), [(18, 0), (19, 1)])
async def test_a_replica_in_mode_observe_leaves_it_for_a_while_to_one_in_mode_act(ago: int, opened: int) -> None:
    """It would close as Observed what a person wants done, and take that person's word with it."""
    cluster = Asking(asked=wish(creationTimestamp=timestamp(NOW - timedelta(seconds=ago))))
    await Reconciler(cluster, ACT.model_copy(update={"mode": Mode.OBSERVE})).reconcile()
    assert [each.request.mode for each in cluster.remediations.values()] == ["observe"] * opened


async def test_what_is_open_is_joined() -> None:
    [only] = await taken_up(Asking(remediation(), asked=wish()))
    assert only.request.person == ""


async def test_who_gives_no_name_is_a_person_all_the_same() -> None:
    nameless = {**stored(), "spec": {"environment": "cf"}}
    found = record.asked(nameless, "cf")
    assert found is not None
    assert found.request.person == record.UNNAMED


def test_what_is_being_deleted_is_asked_no_more() -> None:
    assert record.asked(stored(deletionTimestamp=timestamp(NOW)), "cf") is None


def test_one_without_a_time_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="diego-api-request: it can't be understood"):
        record.asked(stored(creationTimestamp=None), "cf")
