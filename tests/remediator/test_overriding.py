"""What a person accepted, between two deletes: it holds for what the plan was made for, while that is what is seen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from remediator.inputs import DeletePod, Wait
from remediator.remediation import Phase, Reason, Remediation, Request
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.observations import bbs, hung, observation
from tests.remediator.builders import plan, restarting
from tests.remediator.test_restarting import BOTH, decided, victim

STUCK, EXPIRED = observation(bbs(0, Reply.UNAVAILABLE), bbs(1)), observation(bbs(0, Reply.TLS), bbs(1))
AGREED = Request("cf", person="kim", accept="tls_broken")


def test_what_a_person_accepted_is_carried_on_while_it_lasts() -> None:
    found = restarting(plan=plan("tls_broken"), request=AGREED)
    assert victim(decided(found, EXPIRED)[1]) == BOTH[0]
    half = restarting(["diego-api-0"], plan=plan("tls_broken"), request=AGREED)
    after, _ = decided(half, observation(bbs(0, uid="new"), bbs(1, Reply.OK)))
    assert (after.phase, after.reason) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES)


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        pytest.param(restarting(plan=plan("tls_broken")), EXPIRED, id="nobody accepted it"),
        pytest.param(restarting(request=AGREED), EXPIRED, id="the plan was made for something else"),
        pytest.param(restarting(plan=plan("tls_broken"), request=AGREED), STUCK, id="something else is seen"),
        pytest.param(
            restarting(plan=plan("tls_broken"), request=replace(AGREED, accept="frozen")),
            EXPIRED,
            id="accepted another",
        ),
        pytest.param(
            restarting(plan=plan("tls_broken"), request=AGREED),
            observation(bbs(0, Reply.TLS, active=True), bbs(1)),
            id="Ready and labelled active",
        ),
        pytest.param(restarting(plan=plan("everything_is_fine")), hung(), id="a plan for no known condition"),
    ],
)
def test_an_override_holds_only_where_person_plan_and_observation_agree(found: Remediation, seen: Observation) -> None:
    _, action = decided(found, seen)
    assert isinstance(action, Wait)


@pytest.mark.parametrize("done", [(), ("diego-api-0",)])
def test_it_forbids_the_rest_of_what_a_person_accepted_too(done: Sequence[str]) -> None:
    found = restarting(done, plan=plan("tls_broken"), request=AGREED)
    seen = replace(EXPIRED if not done else observation(bbs(0, uid="new"), bbs(1, Reply.TLS)), database=False)
    assert isinstance(decided(found, replace(seen, database=True))[1], DeletePod)
    _, action = decided(found, seen)
    assert isinstance(action, Wait)
    assert "database_down" in action.why


def test_a_new_pod_may_migrate_whatever_a_person_has_accepted() -> None:
    agreed = Request("cf", person="kim", accept="stuck_unavailable")
    found = restarting(["diego-api-0"], plan=plan("stuck_unavailable"), request=agreed)
    seen = observation(bbs(0, Reply.UNAVAILABLE, uid="new", age=timedelta(seconds=20)), bbs(1, Reply.UNAVAILABLE))
    after, action = decided(found, seen)
    assert (after.phase, isinstance(action, Wait)) == (Phase.RESTARTING, True)
