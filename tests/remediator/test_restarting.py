"""Restarting: one planned pod after the other, each only while nobody serves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.decision import decide
from remediator.escalating import next_step
from remediator.inputs import Action, Close, Continue, DeletePod, Pause, Wait
from remediator.policy import Mode
from remediator.remediation import Phase, PlannedPod, Reason, Remediation, Request
from remediator.streaks import Streaks
from stagekeeper.diego.advice import advise
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Observation, ReadyPods, Reply
from tests.diego import observations
from tests.diego.observations import NOW, bbs, hung, observation, pending, unknown, workload
from tests.remediator.builders import (
    ACT,
    CF,
    at,
    every,
    follow,
    inputs,
    locket_plan,
    plan,
    planned,
    restarting,
)

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


@pytest.mark.parametrize(
    "changes", [{"pods": unknown("-")}, {"workloads": unknown("-")}, {"steady": False}, {"locket": unknown("-")}]
)
def test_an_observation_that_could_not_tell_notes_nothing_and_deletes_nothing(changes: Mapping[str, Any]) -> None:
    one_is_gone = observation(bbs(1), workloads=(workload(),))
    after, action = decided(restarting(), replace(one_is_gone, **changes))
    assert after.deletions == ()
    assert isinstance(action, Wait)


def test_whoever_serves_stops_the_deletes() -> None:
    after, action = decided(restarting(["diego-api-0"]), observation(bbs(0, uid="new"), bbs(1, Reply.OK)))
    assert (after.phase, after.reason, action) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES, Continue())
    assert after.message == "diego-api-1 is the active BBS: no further pod is deleted."


@pytest.mark.parametrize("reply", [reply for reply in Reply if reply.accepted and reply is not Reply.OK])
def test_no_other_accept_is_service(reply: Reply) -> None:
    after, _ = decided(restarting(["diego-api-0"]), observation(bbs(0, uid="new"), bbs(1, reply)))
    assert after.phase is Phase.RESTARTING


def test_a_planned_pod_that_answers_503_has_hung_and_is_deleted() -> None:
    """It refused when the plan was made and has not started since: no migration begins in it."""
    seen = observation(bbs(0, uid="new"), bbs(1, Reply.UNAVAILABLE), service=Reply.UNAVAILABLE)
    assert victim(decided(restarting(["diego-api-0"]), seen)[1]) == BOTH[1]


def test_the_label_that_such_a_pod_gets_while_it_listens_stops_nothing() -> None:
    seen = observation(bbs(0, uid="new"), bbs(1, Reply.UNAVAILABLE, active=True), service=Reply.UNAVAILABLE)
    assert victim(decided(restarting(["diego-api-0"]), seen)[1]) == BOTH[1]


def test_two_planned_pods_that_answer_503_at_once_are_a_split_brain() -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE), bbs(1, Reply.UNAVAILABLE), service=Reply.UNAVAILABLE)
    after, action = decided(restarting(), seen)
    assert after.deletions == ()
    assert not isinstance(action, DeletePod)


def test_one_of_them_that_is_terminating_no_longer_counts() -> None:
    leaving = bbs(0, Reply.UNAVAILABLE, **LEAVING)
    seen = observation(leaving, bbs(1, Reply.UNAVAILABLE), service=Reply.UNAVAILABLE)
    assert victim(decided(restarting(["diego-api-0"]), seen)[1]) == BOTH[1]


@pytest.mark.parametrize(
    ("number", "since", "changes"),
    [
        pytest.param(0, SOON, {"uid": "new"}, id="made after the plan"),
        pytest.param(1, timedelta(seconds=-1), {}, id="started after the plan"),
    ],
)
def test_a_503_of_a_pod_that_began_after_the_plan_may_be_a_migration(
    number: int, since: timedelta, changes: Mapping[str, Any]
) -> None:
    begun = bbs(number, Reply.UNAVAILABLE, containers=(observations.container(age=since),), **changes)
    pods = (begun, bbs(1)) if number == 0 else (bbs(0, uid="new", age=SOON), begun)
    assert decided(restarting(["diego-api-0"]), observation(*pods))[1] == Wait(
        f"It is not certain that diego-api-{number} does not serve (unavailable)."
    )


def test_a_container_that_started_with_the_plan_is_as_old_as_it() -> None:
    hung_pod = bbs(1, Reply.UNAVAILABLE, containers=(observations.container(age=timedelta(0)),))
    seen = observation(bbs(0, uid="new"), hung_pod, service=Reply.UNAVAILABLE)
    assert victim(decide(restarting(["diego-api-0"]), inputs(at(301, seen)))[2]) == BOTH[1]


def test_a_sidecar_that_started_since_the_plan_begins_no_migration() -> None:
    containers = (observations.container(), observations.container("loggregator-agent", age=timedelta(seconds=-1)))
    hung_pod = bbs(1, Reply.UNAVAILABLE, containers=containers)
    seen = observation(bbs(0, uid="new"), hung_pod, service=Reply.UNAVAILABLE, bbs_container="diego-api")
    assert victim(decided(restarting(["diego-api-0"]), seen)[1]) == BOTH[1]


def test_a_503_of_a_pod_whose_start_is_not_known_may_be_a_migration() -> None:
    hung_pod = bbs(1, Reply.UNAVAILABLE, containers=(observations.container(started_at=None),))
    _, action = decided(restarting(["diego-api-0"]), observation(bbs(0, uid="new"), hung_pod))
    assert isinstance(action, Wait)


def test_a_service_that_answers_stops_the_deletes() -> None:
    after, _ = decided(restarting(), observation(bbs(0), bbs(1), service=Reply.OK))
    assert after.phase is Phase.VERIFYING
    assert after.message == "The Service answers: no further pod is deleted."


FORBIDDEN: Mapping[str, tuple[Observation, str]] = {
    "the database is down": (hung(database=False), "database"),
    "no Cloud Controller pod is ready": (hung(cloud_controller=ReadyPods(0, 2)), "Cloud Controller"),
    "scaled to 0": (hung(workloads=(workload(replicas=0),)), "scaled"),
    "a roll-out that is not ours": (hung(workloads=(workload(generation=9),)), "change"),
    "another revision, OnDelete": (
        hung(workloads=(workload(update_strategy="OnDelete", update_revision="new"),)),
        "another revision",
    ),
    "another revision, partition": (
        hung(workloads=(workload(partition=1, update_revision="new"),)),
        "another revision",
    ),
    "a crash loop of a pod that is not ours": (
        observation(bbs(0, uid="new"), bbs(1, containers=(observations.container(waiting="CrashLoopBackOff"),))),
        "CrashLoopBackOff",
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("done", [(), ("diego-api-0",)])
def test_what_forbids_a_plan_forbids_the_rest_of_it(what: str, done: Sequence[str]) -> None:
    seen, why = FORBIDDEN[what]
    _, action = decided(restarting(done), seen)
    assert isinstance(action, Wait)
    assert why in action.why


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(observation(bbs(0, **LEAVING), bbs(1)), id="ends"),
        pytest.param(observation(bbs(1), workloads=(workload(),)), id="gone"),
        pytest.param(observation(pending(0, age=SOON), bbs(1)), id="its replacement is Pending"),
        pytest.param(observation(bbs(0, uid="new", age=SOON), bbs(1)), id="its replacement is young"),
        pytest.param(
            observation(bbs(0, uid="new", containers=(observations.container(ready=False),)), bbs(1)),
            id="its replacement is not ready",
        ),
    ],
)
def test_what_our_own_plan_causes_is_excused(seen: Observation) -> None:
    assert victim(decided(restarting(["diego-api-0"]), seen)[1]) == BOTH[1]


def test_a_never_that_persists_interrupts_the_restart_and_says_what_was_done() -> None:
    found, streaks = restarting(["diego-api-0"]), Streaks()
    after = found
    for second in range(0, 125, 5):
        after, streaks, action = decide(
            found, inputs(at(second, hung(cloud_controller=ReadyPods(0, 2))), streaks=streaks)
        )
        assert isinstance(action, Close) == (second == 120)
    assert (after.phase, after.reason) == (Phase.ESCALATED, Reason.INTERRUPTED)
    assert "Deleted: diego-api-0. Not deleted: diego-api-1." in after.message
    assert "Cloud Controller" in after.message


def test_the_next_command_is_about_what_held_it_and_not_about_our_own_new_pod() -> None:
    found = restarting(["diego-api-0"])
    seen = observation(pending(0, age=SOON), bbs(1), cloud_controller=ReadyPods(0, 2))
    after, _, _ = follow(found, every(5, 120, seen))
    assert after.reason is Reason.INTERRUPTED
    assert after.message.endswith(
        f" Next: {advise(seen, diagnose(hung(cloud_controller=ReadyPods(0, 2)))).next_command(CF)}"
    )


def test_a_new_pod_that_answers_503_to_the_deadline_is_asked_whether_it_migrates() -> None:
    agreed = Request("cf", person="kim", accept="stuck_unavailable")
    found = restarting(["diego-api-0"], age=1201, plan=plan("stuck_unavailable"), request=agreed)
    after, _ = decided(found, observation(bbs(0, Reply.UNAVAILABLE, uid="new", age=SOON), bbs(1)))
    assert after.reason is Reason.INTERRUPTED
    assert "It is not certain that diego-api-0 does not serve (unavailable)." in after.message
    assert "grep migration-manager" in next_step(after.message)


@pytest.mark.parametrize("reply", [Reply.TLS, Reply.CERTIFICATE_REFUSED, Reply.NO_REPLY, Reply.BAD_REPLY])
def test_a_new_pod_that_listens_and_is_broken_is_no_effect_of_our_plan(reply: Reply) -> None:
    seen = observation(bbs(0, reply, uid="new", age=SOON), bbs(1), service=reply)
    after, _, _ = follow(restarting(["diego-api-0"]), every(5, 120, seen))
    assert after.reason is Reason.INTERRUPTED
    assert diagnose(seen).why in after.message


def test_what_the_service_says_is_excused_with_the_new_pod_that_says_it() -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, uid="new", age=SOON), bbs(1), service=Reply.UNAVAILABLE)
    after, _, action = follow(restarting(["diego-api-0"]), every(5, 120, seen))
    assert (after.phase, type(action)) == (Phase.RESTARTING, Wait)
    elsewhere = observation(bbs(0, uid="new", age=SOON), bbs(1), service=Reply.UNAVAILABLE)
    assert follow(restarting(["diego-api-0"]), every(5, 120, elsewhere))[0].reason is Reason.INTERRUPTED


def test_a_pod_that_has_ended_serves_nobody() -> None:
    found = restarting(plan=plan("pods_not_ready"), request=Request("cf", person="kim", accept="pods_not_ready"))
    ended = bbs(0, NOT_CONFIGURED, phase="Failed", containers=(), age=timedelta(hours=1))
    assert victim(decided(found, observation(ended, bbs(1)))[1]) == BOTH[0]


def test_deletes_that_the_api_refuses_interrupt_it_too() -> None:
    found, streaks = restarting(), Streaks()
    after = found
    for second in range(0, 125, 5):
        assessment = at(second)
        streaks = streaks.with_delete("HTTP 403: no-deletes.example says no", assessment.moment, ACT.tolerance)
        after, streaks, _ = decide(found, inputs(assessment, streaks=streaks))
    assert (after.phase, after.reason) == (Phase.ESCALATED, Reason.INTERRUPTED)
    assert "no-deletes.example says no" in after.message
    assert "Deleted: none." in after.message


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observation(bbs(0), bbs(1, Reply.TIMEOUT)), "It is not certain that diego-api-1 does not serve (timeout)."),
        (
            observation(bbs(0), bbs(1, unknown("no time"))),
            "It is not certain that diego-api-1 does not serve (not probed).",
        ),
        (observation(bbs(0, active=True), bbs(1)), "It is not certain that diego-api-0 does not serve (refused)."),
        (hung(service=unknown("no time")), "The Service could not be probed."),
        (observation(bbs(0), bbs(1), service=Reply.NO_REPLY), "Something behind the Service listens (no_reply)."),
    ],
)
def test_while_it_is_not_certain_that_nobody_serves_it_waits(seen: Observation, why: str) -> None:
    assert decided(restarting(), seen)[1] == Wait(why)


@pytest.mark.parametrize(("reply", "accepted"), [(Reply.UNAVAILABLE, "stuck_unavailable"), (Reply.NO_REPLY, "frozen")])
def test_a_pod_that_its_own_probe_calls_active_is_certain_only_by_its_503(reply: Reply, accepted: str) -> None:
    found = restarting(plan=plan(accepted), request=Request("cf", person="kim", accept=accepted))
    pods = bbs(0, reply, active=True), bbs(1)
    assert isinstance(decided(found, observation(*pods))[1], DeletePod) == (reply is Reply.UNAVAILABLE)


@pytest.mark.parametrize("probe", [unknown("no time"), NOT_CONFIGURED])
def test_of_a_pod_that_was_not_asked_nothing_is_certain_whatever_was_accepted(probe: Any) -> None:
    request = Request("cf", person="kim", accept="frozen")
    seen = observation(bbs(0, Reply.NO_REPLY), bbs(1, probe))
    assert decided(restarting(plan=plan("frozen"), request=request), seen)[1] == Wait(
        "It is not certain that diego-api-1 does not serve (not probed)."
    )


@pytest.mark.parametrize("accepted", ["stuck_unavailable", "listening_unknown"])
@pytest.mark.parametrize("other", Reply)
def test_a_pod_that_refuses_only_our_certificate_may_serve_whatever_was_accepted(accepted: str, other: Reply) -> None:
    """Also beside a pod of which a person has accepted that it is restarted."""
    request = Request("cf", person="kim", accept=accepted)
    found = restarting(plan=plan(accepted), request=request)
    for active in (False, None):
        pods = bbs(0, Reply.CERTIFICATE_REFUSED, active=active), bbs(1, other, active=active)
        for service in Reply:
            assert not isinstance(decided(found, observation(*pods, service=service))[1], DeletePod)


def test_a_pod_without_an_address_serves_nobody() -> None:
    seen = observation(pending(0, age=SOON), bbs(1))
    assert victim(decided(restarting(["diego-api-0"], age=0), seen)[1]) == BOTH[1]


def test_a_pause_holds_between_two_deletes() -> None:
    _, action = decided(restarting(["diego-api-0"]), hung(), pause=Pause(paused=True, why="kim is here."))
    assert action == Wait("Paused: kim is here.")


def test_a_remediator_that_was_put_into_observe_mode_carries_no_plan_on() -> None:
    _, action = decided(restarting(), hung(), policy=ACT.model_copy(update={"mode": Mode.OBSERVE}))
    assert action == Wait("The mode is observe: this plan was written in mode act, and is not carried on.")


def test_a_plan_can_not_choose_a_pod_of_somebody_else() -> None:
    seen = observation(bbs(0, owner="kube-dns"), bbs(1))
    assert decided(restarting(), seen)[1] == Wait("The plan names diego-api-0, which is not one of ours to delete.")


def test_a_plan_can_not_name_a_pod_that_the_selector_does_not_find() -> None:
    forged = restarting(plan=locket_plan([], [("kube-dns-abc", "uid-of-kube-dns")]))
    after, _ = decided(forged, hung())
    assert [each.result for each in after.deletions] == ["refused"]
    assert after.phase is Phase.VERIFYING
    assert after.message == (
        "Deletion accepted for none; waiting for the replacement pods. "
        "Refused, since they are not ours to delete: kube-dns-abc."
    )


def test_a_stranger_that_is_terminating_is_no_delete_of_ours() -> None:
    """It was noted as one, and stood in the sentence as a pod whose deletion was accepted."""
    seen = observation(bbs(0, owner="kube-dns", ends_at=NOW + timedelta(seconds=30)), bbs(1))
    after, action = decided(restarting(), seen)
    assert after.deletions == ()
    assert isinstance(action, Wait)


def test_a_plan_in_many_steps_is_held_to_the_largest_plan_too() -> None:
    forged = restarting(
        plan=locket_plan(
            [(f"x-{each}", f"{each}") for each in range(5)], [("diego-api-0", "uid-0"), ("diego-api-1", "uid-1")]
        )
    )
    _, action = decided(forged, hung())
    assert action == Wait("The plan names 7 pods, more than the largest plan of 6.")
    largest = ACT.model_copy(update={"largest_plan": 7})
    assert victim(decided(forged, hung(), policy=largest)[1]) == BOTH[0]


@pytest.mark.parametrize(("late", "phase"), [(1200, Phase.RESTARTING), (1201, Phase.ESCALATED)])
def test_a_restart_that_does_not_finish_calls_a_person(late: float, phase: Phase) -> None:
    after, _ = decided(restarting(age=late), hung(), pause=Pause(paused=True, why="-"))
    assert after.phase is phase


def test_a_late_restart_names_what_held_it_and_what_was_done() -> None:
    after, action = decided(
        restarting(["diego-api-0"], age=2000), hung(), pause=Pause(paused=True, why="grace paused it.")
    )
    assert (after.reason, action) == (Reason.INTERRUPTED, Close())
    assert after.message == (
        "The restart was interrupted at diego-api. Paused: grace paused it. "
        "This process has watched it only since 12:00:00 UTC. "
        "Deleted: diego-api-0. Not deleted: diego-api-1. "
        "Answers now: diego-api-0 refused, diego-api-1 refused, Service timeout. "
        "Next: kubectl -n cf delete configmap stagekeeper-pause"
    )
