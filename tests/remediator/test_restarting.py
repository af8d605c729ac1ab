"""Restarting: one planned pod after the other, each only while nobody serves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.decision import decide
from remediator.gates import Pause
from remediator.policy import Mode
from remediator.remediation import Phase, PlannedPod, Reason, Remediation
from remediator.situation import Action, Close, Continue, DeletePod, Wait
from stagekeeper.diego.observation import Locket, Observation, Reply
from tests.diego import observations
from tests.diego.observations import NOW, ago, bbs, healthy, hung, observation, pending, pod, unknown, workload
from tests.remediator.builders import ACT, CF_LOCKET, at, inputs, locket_plan, plan, planned, restarting

BOTH = planned("diego-api-0", "diego-api-1")
LEAVING: Mapping[str, Any] = {"ends_at": NOW + timedelta(seconds=590)}
SOON = timedelta(seconds=20)


def decided(found: Remediation, seen: Observation, **changes: Any) -> tuple[Remediation, Action]:
    after, _, action = decide(found, inputs(at(0, seen), **changes))
    return after, action


def victim(action: Action) -> PlannedPod | None:
    return action.planned if isinstance(action, DeletePod) else None


def test_the_first_pod_is_deleted_exactly_as_it_was_in_this_observation() -> None:
    after, action = decided(restarting(), hung())
    assert isinstance(action, DeletePod)
    assert (action.pod, action.planned) == (hung().known_pods[0].pod, BOTH[0])
    assert after.phase is Phase.RESTARTING


def test_the_next_pod_follows_while_the_first_one_still_ends() -> None:
    found = restarting(["diego-api-0"])
    _, action = decided(found, observation(bbs(0, **LEAVING), bbs(1)))
    assert victim(action) == BOTH[1]


def test_when_all_are_dealt_with_it_goes_on_to_verifying() -> None:
    after, action = decided(
        restarting(["diego-api-0", "diego-api-1"]), observation(bbs(0, **LEAVING), bbs(1, **LEAVING))
    )
    assert (after.phase, after.reason, action) == (Phase.VERIFYING, Reason.DELETED, Continue())


@pytest.mark.parametrize(
    ("seen", "fate"),
    [
        (observation(bbs(0, **LEAVING), bbs(1)), "terminating"),
        (observation(bbs(1), workloads=(workload(),)), "gone"),
        (observation(bbs(0, uid="a-new-one"), bbs(1)), "replaced"),
    ],
)
def test_a_planned_pod_that_somebody_else_dealt_with_is_noted_and_left_alone(seen: Observation, fate: str) -> None:
    after, action = decided(restarting(), seen)
    assert [(each.uid, each.result) for each in after.deletions] == [("uid-0", fate)]
    assert victim(action) == BOTH[1]


@pytest.mark.parametrize("changes", [{"pods": unknown("-")}, {"workloads": unknown("-")}, {"steady": False}])
def test_an_observation_that_could_not_tell_notes_nothing_and_deletes_nothing(changes: Mapping[str, Any]) -> None:
    after, action = decided(restarting(), replace(hung(), **changes))
    assert after.deletions == ()
    assert isinstance(action, Wait)


ACCEPTS = [reply for reply in Reply if reply.accepted]


@pytest.mark.parametrize("reply", ACCEPTS)
def test_whoever_accepts_stops_the_deletes_of_a_plan_for_no_active_bbs(reply: Reply) -> None:
    after, action = decided(restarting(["diego-api-0"]), observation(bbs(0, uid="new"), bbs(1, reply)))
    assert (after.phase, after.reason, action) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES, Continue())
    assert after.message == f"diego-api-1 accepts connections ({reply}): no further pod is deleted."


def test_a_service_that_answers_stops_the_deletes() -> None:
    after, _ = decided(restarting(), observation(bbs(0), bbs(1), service=Reply.OK))
    assert (after.phase, after.message) == (Phase.VERIFYING, "The Service answers: no further pod is deleted.")


def test_a_pod_that_is_ending_and_still_accepts_counts_too() -> None:
    after, _ = decided(restarting(["diego-api-0"]), observation(bbs(0, Reply.UNAVAILABLE, **LEAVING), bbs(1)))
    assert after.phase is Phase.VERIFYING


@pytest.mark.parametrize("diagnosis", ["stuck_unavailable", "frozen", "tls_broken"])
def test_a_plan_for_a_pod_that_accepts_and_does_not_serve_goes_on_while_that_lasts(diagnosis: str) -> None:
    found = restarting(plan=plan(diagnosis))
    assert victim(decided(found, observation(bbs(0, Reply.UNAVAILABLE), bbs(1)))[1]) == BOTH[0]
    half = restarting(["diego-api-0"], plan=plan(diagnosis))
    after, _ = decided(half, observation(bbs(0, uid="new"), bbs(1, Reply.OK)))
    assert (after.phase, after.reason) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES)


@pytest.mark.parametrize("diagnosis", ["crash_looping", "pods_not_ready", "network_fault", "locket_down"])
def test_any_other_plan_that_a_person_accepted_stops_at_an_accept(diagnosis: str) -> None:
    """A pod that took the lock after the first delete may be migrating its database: nobody deletes it now."""
    half = restarting(["diego-api-0"], plan=plan(diagnosis))
    after, _ = decided(half, observation(bbs(0, uid="new"), bbs(1, Reply.UNAVAILABLE)))
    assert after.reason is Reason.SOMEBODY_SERVES


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observation(bbs(0), bbs(1, Reply.TIMEOUT)), "It is not certain that diego-api-1 does not serve."),
        (observation(bbs(0), bbs(1, unknown("no time"))), "It is not certain that diego-api-1 does not serve."),
        (observation(bbs(0, active=True), bbs(1)), "It is not certain that diego-api-0 does not serve."),
        (hung(service=unknown("no time")), "The Service could not be probed."),
        (observation(bbs(0), bbs(1), service=Reply.NO_REPLY), "Something behind the Service listens (no_reply)."),
    ],
)
def test_while_it_is_not_certain_that_nobody_serves_it_waits(seen: Observation, why: str) -> None:
    assert decided(restarting(), seen)[1] == Wait(why)


def test_a_pod_without_an_address_serves_nobody() -> None:
    seen = observation(pending(0, age=SOON), bbs(1))
    assert victim(decided(restarting(["diego-api-0"], age=0), seen)[1]) == BOTH[1]


def test_a_pause_holds_between_two_deletes() -> None:
    _, action = decided(restarting(["diego-api-0"]), hung(), pause=Pause(paused=True, why="kim is here."))
    assert action == Wait("Paused: kim is here.")


def test_a_remediator_that_was_put_into_observe_mode_carries_no_plan_on() -> None:
    _, action = decided(restarting(), hung(), policy=replace(ACT, mode=Mode.OBSERVE))
    assert action == Wait("The mode is observe: this plan was written in mode act, and is not carried on.")


def test_a_plan_can_not_choose_a_pod_of_somebody_else() -> None:
    seen = observation(bbs(0, owner="kube-dns"), bbs(1))
    assert decided(restarting(), seen)[1] == Wait("The plan names diego-api-0, which is not one of ours to delete.")


def test_a_plan_can_not_name_a_pod_that_the_selector_does_not_find() -> None:
    forged = restarting(plan=locket_plan([], [("kube-dns-abc", "uid-of-kube-dns")]))
    after, _ = decided(forged, hung())
    assert [each.result for each in after.deletions] == ["gone"]
    assert after.phase is Phase.VERIFYING


def test_a_plan_in_many_steps_is_held_to_the_largest_plan_too() -> None:
    forged = restarting(
        plan=locket_plan(
            [(f"x-{each}", f"{each}") for each in range(5)], [("diego-api-0", "uid-0"), ("diego-api-1", "uid-1")]
        )
    )
    _, action = decided(forged, hung())
    assert action == Wait("The plan names 7 pods, more than the largest plan of 6.")


@pytest.mark.parametrize(("late", "phase"), [(1200, Phase.RESTARTING), (1201, Phase.ESCALATED)])
def test_a_restart_that_does_not_finish_calls_a_person(late: float, phase: Phase) -> None:
    after, _ = decided(restarting(age=late), hung(), pause=Pause(paused=True, why="-"))
    assert after.phase is phase


def test_a_late_restart_names_the_pod_and_its_node() -> None:
    seen = observation(bbs(0, **LEAVING), bbs(1, Reply.TIMEOUT, ready="Unknown"))
    after, action = decided(restarting(["diego-api-0"], age=2000), seen)
    assert (after.reason, action) == (Reason.STEP_LATE, Close())
    assert after.message == (
        "The restart of diego-api did not finish in time. "
        "diego-api-0 on node node-0 is Terminating. diego-api-1 on node node-1 is Running."
    )


# Locket first ---------------------------------------------------------------------------------------------------------


def own(uid: str = "locket-new", ready_for: timedelta = timedelta(minutes=1), **changes: Any) -> Locket:
    found = pod(0, name="diego-locket-0", uid=uid, owner="diego-locket", ready_since=ago(ready_for))
    return Locket(workload("diego-locket", replicas=1), (replace(found, **changes),))


TWO_STEPS = locket_plan([("diego-locket-0", "locket-old")], [("diego-api-0", "uid-0"), ("diego-api-1", "uid-1")])


def locket_decided(locket: Locket, *done: str, **seen: Any) -> tuple[Remediation, Action]:
    return decided(restarting(done, plan=TWO_STEPS), hung(locket=locket, **seen), environment=CF_LOCKET)


def test_lockets_pods_come_first() -> None:
    assert victim(locket_decided(own("locket-old", observations.OLD))[1]) == TWO_STEPS.steps[0].pods[0]


@pytest.mark.parametrize(
    ("locket", "why"),
    [
        (own("locket-old", **LEAVING), "Waiting until diego-locket-0 has ended."),
        (own("locket-old", observations.OLD), "Waiting until diego-locket-0 has ended."),
        (replace(own(), pods=()), "Waiting until Locket is back and ready."),
        (own(ready="False"), "Waiting until Locket is back and ready."),
        (own(ready_for=timedelta(seconds=29)), "Locket is back: waiting whether that is cure enough."),
        (own(ready_since=None), "Locket is back: waiting whether that is cure enough."),
    ],
)
def test_the_bbs_waits_until_locket_is_back_and_has_had_30_s(locket: Locket, why: str) -> None:
    """The second case is an observation from before another replica deleted Locket's pod: nothing in it says so."""
    assert locket_decided(locket, "diego-locket-0")[1] == Wait(why)


def test_after_30_s_without_a_cure_the_bbs_pods_follow() -> None:
    _, action = locket_decided(own(ready_for=timedelta(seconds=30)), "diego-locket-0")
    assert victim(action) == TWO_STEPS.steps[1].pods[0]


def test_if_somebody_serves_after_lockets_restart_no_bbs_pod_is_deleted() -> None:
    seen = healthy(locket=own(ready_for=timedelta(seconds=5)))
    after, _ = decided(restarting(["diego-locket-0"], plan=TWO_STEPS), seen, environment=CF_LOCKET)
    assert (after.phase, after.reason) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES)


def test_locket_that_can_not_be_read_makes_it_wait() -> None:
    _, action = decided(restarting(plan=TWO_STEPS), hung(locket=unknown("HTTP 500")), environment=CF_LOCKET)
    assert isinstance(action, Wait)
