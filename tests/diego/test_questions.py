"""What the remediator asks before each delete, and the metrics of readiness after it."""

from typing import Any

import pytest

from stagekeeper.diego.conditions import Condition
from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Probe, Reply, Unknown
from stagekeeper.diego.profiles import ActiveLabel, Readiness
from stagekeeper.diego.questions import certainly_not_serving, unready
from tests.diego import observations
from tests.diego.observations import bbs, container, observation

ACCEPTS = Probe(Reply.OK, "accepts TCP", by_tcp=True)
EXPLAINED = {
    (Condition.STUCK_UNAVAILABLE, Reply.UNAVAILABLE),
    (Condition.TLS_BROKEN, Reply.TLS),
    (Condition.FROZEN, Reply.NO_REPLY),
    (Condition.FROZEN, Reply.BAD_REPLY),
    (Condition.NETWORK_FAULT, Reply.TIMEOUT),
    (Condition.LISTENING_UNKNOWN, Reply.CLOSED),
}


@pytest.mark.parametrize("reply", [each for each in Reply if each is not Reply.REFUSED])
@pytest.mark.parametrize("plan", Condition)
def test_only_a_reply_that_the_plans_own_diagnosis_explains_is_no_doubt(plan: Condition, reply: Reply) -> None:
    """A BBS that serves is never deleted, whatever a person or a forged record has accepted."""
    assert certainly_not_serving(bbs(0, reply), plan) is ((plan, reply) in EXPLAINED)


@pytest.mark.parametrize("plan", Condition)
@pytest.mark.parametrize("probe", [*Reply, Unknown("No time."), NOT_CONFIGURED, ACCEPTS])
def test_a_pod_that_is_ready_and_labelled_active_is_always_a_doubt(plan: Condition, probe: Any) -> None:
    assert not certainly_not_serving(bbs(0, probe, active=True), plan)


@pytest.mark.parametrize("plan", Condition)
def test_a_pod_that_refuses_does_not_serve(plan: Condition) -> None:
    assert certainly_not_serving(bbs(0), plan)


@pytest.mark.parametrize("probe", [Unknown("No time."), NOT_CONFIGURED])
def test_a_pod_that_could_not_be_asked_is_a_doubt(probe: Any) -> None:
    assert not certainly_not_serving(bbs(0, probe))


@pytest.mark.parametrize("active", [True, False, None])
def test_a_tcp_accept_is_explained_only_where_the_label_denies_it(active: bool | None) -> None:  # noqa: FBT001 -- drawn
    accepts = bbs(0, ACCEPTS, active=active)
    assert certainly_not_serving(accepts, Condition.LISTENING_UNKNOWN) is (active is False)
    assert not certainly_not_serving(accepts)


@pytest.mark.parametrize(
    "nobody",
    [
        bbs(0, NOT_CONFIGURED, ip=None),
        bbs(0, NOT_CONFIGURED, phase="Succeeded"),
        bbs(0, Reply.TIMEOUT, ends_at=observations.NOW),
    ],
)
def test_a_pod_without_an_address_and_one_that_has_ended_or_is_going_silently_do_not_serve(nobody: BbsPod) -> None:
    assert certainly_not_serving(nobody)


def test_a_pod_that_is_going_and_still_accepts_is_a_doubt() -> None:
    assert not certainly_not_serving(bbs(0, Reply.OK, ends_at=observations.NOW))


def test_who_must_be_ready_again_is_the_platforms_to_say() -> None:
    idle = (container(ready=False), container("loggregator-agent"))
    seen = observation(bbs(0, Reply.OK), bbs(1, containers=idle), bbs_container="diego-api")
    assert [each.pod.name for each in unready(seen)] == ["diego-api-1"]
    active = observation(bbs(0, Reply.OK), bbs(1, containers=idle), readiness=Readiness.ACTIVE)
    assert unready(active) == []
    waits = observation(bbs(0, Reply.OK, containers=idle), bbs(1), readiness=Readiness.ACTIVE)
    assert [each.pod.name for each in unready(waits)] == ["diego-api-0"]


def test_a_label_on_one_of_two_pods_is_set_by_the_platform() -> None:
    label = ActiveLabel("active", "true", may_be_absent=True)
    assert label.unused([{}, {}])
    assert not label.unused([{"active": "true"}, {}])
    assert not ActiveLabel("active", "true").unused([{}, {}])
