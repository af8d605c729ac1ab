"""What a person accepted: what else holds it back, and between two deletes, that it is still what is seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.approval import Approval
from remediator.decision import decide
from remediator.escalating import next_step
from remediator.inputs import DeletePod, Wait
from remediator.remediation import Phase, Reason, Remediation, Request
from remediator.streaks import Streaks
from stagekeeper.diego.conditions import Condition
from stagekeeper.diego.observation import MISSING, Locket, Observation, ReadyPods, Reply, Unknown
from tests.diego.observations import bbs, container, hung, observation, pending, pod, unknown, workload
from tests.remediator.builders import ACT, at, every, follow, inputs, plan, remediation, restarting
from tests.remediator.test_restarting import BOTH, decided, victim

STUCK, EXPIRED = observation(bbs(0, Reply.UNAVAILABLE), bbs(1)), observation(bbs(0, Reply.TLS), bbs(1))
AGREED = Request("cf", person="kim", accept="tls_broken")
ASKED = remediation(request=Request("cf", person="bob", accept="stuck_unavailable"))
UNREADY = pod(name="locket-0", owner="locket", ready="False", containers=(container("locket", ready=False),))
LOOPS = (container(waiting="CrashLoopBackOff", ready=False, started_at=None),)
NO_CONTROLLER = replace(STUCK, cloud_controller=ReadyPods(0, 2))


def planned(
    seen: Callable[[int], Observation], first: Remediation = ASKED, streaks: Streaks | None = None
) -> int | None:
    """In which second of the first 250 a plan is made, asked each 5 s; None if in none."""
    found, known = first, streaks or Streaks()
    for second in range(0, 250, 5):
        found, known, _ = decide(found, inputs(at(second, seen(second)), streaks=known))
        if found.plan:
            return second
    return None


def test_the_two_minutes_begin_when_what_held_an_accepted_restart_is_over() -> None:
    assert planned(lambda second: replace(STUCK, database=second >= 100)) == 220


def test_what_was_seen_before_anything_was_open_is_no_shorter_way_around_that() -> None:
    idle = Streaks()
    for second in range(-600, 0, 15):
        idle = idle.saw(at(second, replace(STUCK, database=False)), ACT.tolerance)
    assert planned(lambda _: STUCK, streaks=idle.for_another()) == 120


@pytest.mark.parametrize("part", [{"cloud_controller": unknown("timeout")}, {"steady": False}])
def test_an_observation_that_could_not_tell_what_else_holds_neither_counts_nor_spoils(part: dict[str, Any]) -> None:
    missed = replace(STUCK, **part)
    assert planned(lambda second: missed if second % 20 == 0 else STUCK) == 125
    assert planned(lambda _: missed) is None
    assert planned(lambda second: replace(missed, database=False) if second == 60 else STUCK) == 185
    assert planned(lambda second: observation(bbs(0, Reply.TLS), bbs(1), **part) if second == 60 else STUCK) == 185


def test_what_was_accepted_besides_holds_nothing() -> None:
    both = replace(ASKED, approval=Approval("cloud_controller_down", "alice"))
    assert planned(lambda _: NO_CONTROLLER) is None
    assert planned(lambda _: NO_CONTROLLER, both) == 120
    assert planned(lambda second: replace(NO_CONTROLLER, database=second >= 60), both) == 180


def test_nobody_has_accepted_that_something_could_not_be_read() -> None:
    looping = observation(bbs(0, containers=LOOPS), bbs(1), database=unknown("no route"))
    assert at(0, looping).diagnosis.name is Condition.CRASH_LOOPING
    asked = remediation(request=replace(ASKED.request, accept="crash_looping"))
    assert planned(lambda _: looping, asked) is None
    assert planned(lambda _: replace(looping, database=True), asked) == 120


@pytest.mark.parametrize(
    ("accepted", "seen"),
    [
        ("crash_looping", observation(bbs(0, containers=LOOPS), bbs(1))),
        ("locket_down", hung(locket=Locket(workload("locket", replicas=1), (UNREADY,)))),
    ],
)
def test_who_accepts_one_row_has_not_accepted_those_below_it(accepted: str, seen: Observation) -> None:
    assert at(0, seen).diagnosis.name == accepted
    asked = remediation(request=replace(ASKED.request, accept=accepted))
    assert planned(lambda _: seen, asked) == 120
    assert planned(lambda _: replace(seen, cloud_controller=ReadyPods(0, 2)), asked) is None


def test_a_locket_that_is_on_its_way_is_waited_for_whatever_was_accepted() -> None:
    asked = remediation(request=replace(ASKED.request, accept="locket_down"))
    rolls = Locket(workload("locket", replicas=1, generation=5), (UNREADY,))
    assert planned(lambda _: hung(locket=rolls), asked) is None


def test_so_it_is_where_both_were_accepted() -> None:
    both = replace(ASKED, approval=Approval("locket_down", "alice"))
    rolls = replace(STUCK, locket=Locket(workload("locket", replicas=1, generation=5), (UNREADY,)))
    assert planned(lambda _: rolls, both) is None
    assert planned(lambda _: replace(STUCK, locket=Locket(workload("locket", replicas=1), (UNREADY,))), both) == 120


def test_who_has_accepted_is_not_asked_again_whatever_else_comes_and_goes() -> None:
    down = replace(STUCK, locket=Locket(workload("locket", replicas=1), (UNREADY,)))
    seen = [at(second, replace(down, cloud_controller=ReadyPods(second % 45 < 30, 2))) for second in range(0, 125, 5)]
    assert follow(ASKED, seen)[0].reason is Reason.NEVER


def test_locket_that_does_not_exist_is_known_and_a_persons_business() -> None:
    found, _, _ = follow(ASKED, every(5, 120, replace(STUCK, locket=Unknown("There is no StatefulSet.", MISSING))))
    assert found.reason is Reason.NEVER
    assert found.message.startswith("A restart is not the fix while observer_fault: There is no StatefulSet.")


def test_a_pod_that_no_node_has_taken_is_in_no_plan_but_in_one_that_is_made_for_it() -> None:
    late = pending(1, age=timedelta(hours=1))
    found, _, _ = follow(ASKED, every(5, 120, observation(bbs(0, Reply.UNAVAILABLE), late)))
    assert [pod.name for pod in found.planned_pods] == ["diego-api-0"]
    asked = remediation(request=replace(ASKED.request, accept="pods_not_ready"))
    found, _, _ = follow(asked, every(5, 120, observation(bbs(0), late)))
    assert [pod.name for pod in found.planned_pods] == ["diego-api-0", "diego-api-1"]


def test_a_statefulset_that_is_not_there_was_not_scaled_down() -> None:
    found, _, _ = follow(ASKED, every(5, 120, replace(STUCK, workloads=())))
    assert found.reason is Reason.NEVER
    assert "scale" not in found.message


def test_whoever_gave_up_is_not_told_to_ask_for_the_same_again() -> None:
    found, _, _ = follow(ASKED, every(20, 3600, replace(STUCK, database=False)))
    assert found.reason is Reason.GAVE_UP
    assert "database_down" in found.message
    assert "--accept" not in next_step(found.message)


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
