"""Watching: act when every gate is open; call a person when they stay closed; end when the BBS serves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.decision import decide
from remediator.escalating import next_step
from remediator.inputs import Action, AlertState, AlertView, Close, Continue, Decision, Pause, Wait
from remediator.policy import Mode
from remediator.remediation import Outcome, Phase, Reason, Request
from remediator.streaks import Streaks
from stagekeeper.diego.observation import Observation, Probe, ReadyPods, Reply
from tests.diego.observations import NOW, bbs, healthy, hung, observation, unknown, workload
from tests.remediator.builders import ACT, ACTIVE, at, every, follow, inputs, remediation

SPLIT = observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.OK), service=Reply.OK)
EXPIRED = observation(bbs(0, Probe(Reply.TLS, "certificate has expired")), bbs(1))
STUCK = observation(bbs(0, Reply.UNAVAILABLE), bbs(1))
ROLLING = observation(bbs(0), bbs(1), workloads=(workload(update_revision="new"),))
STRANGER = observation(bbs(0), bbs(1, owner="kube-dns"))
CLAIMED = observation(bbs(0, active=True), bbs(1))
GONE = (AlertView("am-0", AlertState.ABSENT), AlertView("am-1", AlertState.ABSENT))


def ending(seen: Observation, seconds: float, **changes: Any) -> Decision:
    """What becomes of a remediation whose observations, each 5 s, all see this."""
    return follow(remediation(), every(5, seconds, seen), **changes)


def test_with_every_gate_open_the_plan_is_written_and_nothing_is_deleted_yet() -> None:
    found, _, action = ending(hung(), 120)
    assert (found.phase, found.reason) == (Phase.RESTARTING, Reason.GATES_OPEN)
    assert found.plan is not None
    assert [pod.name for step in found.plan.steps for pod in step.pods] == ["diego-api-0", "diego-api-1"]
    assert found.message.startswith("Restarting diego-api-0, diego-api-1: Both BBS pods are Running but refuse")
    assert action == Continue()


def test_the_evidence_and_each_gates_answer_at_the_decision_are_on_the_record() -> None:
    found, _, _ = ending(hung(), 120)
    assert dict(found.gates)["confirmation"].outcome is Outcome.PASS
    assert found.evidence == at(0).diagnosis.evidence
    assert found.diagnosis == "no_active_bbs"


def test_before_the_confirmation_is_complete_it_waits_and_says_for_what() -> None:
    found, _, action = ending(hung(), 115)
    assert found.phase is Phase.WATCHING
    assert action == Wait(
        "Gate confirmation: no_active_bbs must persist for 8 checks over 120 s: no restart before 12:02:00 UTC."
    )
    assert dict(found.gates)["confirmation"].progress == "1 of 8 checks, 0 of 120 s", "as it was when it was stored"
    assert (found.diagnosis, found.evidence) == ("no_active_bbs", at(0).diagnosis.evidence)


def test_observe_mode_writes_down_what_it_would_do_and_ends() -> None:
    found, _, action = ending(hung(), 120, policy=ACT.model_copy(update={"mode": Mode.OBSERVE}))
    assert (found.phase, found.reason, found.plan) == (Phase.OBSERVED, Reason.WOULD_RESTART, None)
    assert found.would_restart is not None
    assert found.message.startswith("In mode act, diego-api-0, diego-api-1 would be restarted now")
    assert found.latched
    assert action == Close()


def test_a_bbs_that_serves_in_three_observations_ends_the_remediation() -> None:
    found, _, action = ending(healthy(), 10)
    assert (found.phase, found.reason, action) == (Phase.SELF_HEALED, Reason.SERVING, Close())


@pytest.mark.parametrize("between", [hung(), EXPIRED])
def test_a_single_lucky_observation_heals_nothing(between: Observation) -> None:
    observations = [at(0, healthy()), at(5, healthy()), at(10, between), at(15, healthy()), at(20, healthy())]
    assert follow(remediation(), observations)[0].phase is Phase.WATCHING


def test_a_blind_observation_between_serving_ones_neither_counts_nor_spoils() -> None:
    blind = hung(pods=unknown("HTTP 500"))
    observations = [at(0, healthy()), at(5, healthy()), at(10, blind), at(15, healthy())]
    assert follow(remediation(), observations[:3])[0].phase is Phase.WATCHING
    assert follow(remediation(), observations)[0].phase is Phase.SELF_HEALED


def test_the_record_is_left_alone_while_no_answer_changes() -> None:
    first, streaks, _ = decide(remediation(), inputs(at(0)))
    second, _, _ = decide(first, inputs(at(5), streaks=streaks))
    assert second is first


@pytest.mark.parametrize("seen", [SPLIT, EXPIRED, STUCK, observation(bbs(0, Reply.OK), bbs(1))])
def test_a_never_that_stands_for_two_minutes_calls_a_person_and_says_why(seen: Observation) -> None:
    assert ending(seen, 115)[0].phase is Phase.WATCHING
    found, _, action = ending(seen, 120)
    reason = Reason.AWAITING_APPROVAL if seen is STUCK else Reason.NEVER
    assert (found.phase, found.reason, action) == (Phase.ESCALATED, reason, Close())
    assert f" {at(0, seen).diagnosis.name}: {at(0, seen).diagnosis.why} Nothing was deleted." in found.message


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("seen", "reason", "begins"),
    [
        (EXPIRED, Reason.NEVER, "A restart is not the fix. tls_broken: "),
        (STUCK, Reason.AWAITING_APPROVAL, "A person must decide on this restart. stuck_unavailable: "),
        (STRANGER, Reason.OUT_OF_BOUNDS, "A restart would be out of bounds. diego-api-1 does not belong to "),
        (CLAIMED, Reason.NEVER, "No restart: that it would be the fix can't be told. label_contradicts: "),
        (
            replace(EXPIRED, pods=(*EXPIRED.known_pods, *STRANGER.known_pods[1:])),
            Reason.NEVER,
            "No restart: every check ",
        ),
    ],
)
def test_an_escalation_says_what_refuses_and_not_the_mode_which_refuses_everything(
    mode: Mode, seen: Observation, reason: Reason, begins: str
) -> None:
    found, _, _ = ending(seen, 120, policy=ACT.model_copy(update={"mode": mode}))
    theirs = reason is Reason.AWAITING_APPROVAL and mode is Mode.OBSERVE
    assert found.reason is reason
    assert found.message.startswith(
        begins.replace("restart.", "restart, and make it: the mode is observe.") if theirs else begins
    )
    assert ("mode" in found.message) is theirs


def test_in_mode_observe_a_person_is_given_the_restart_itself_and_no_approval() -> None:
    found, _, _ = ending(STUCK, 120, policy=ACT.model_copy(update={"mode": Mode.OBSERVE}))
    assert found.message.endswith("Next: kubectl delete pod -n cf diego-api-0 diego-api-1")


def test_nor_is_the_database_forgotten_there() -> None:
    found, _, _ = ending(replace(STUCK, database=False), 120, policy=ACT.model_copy(update={"mode": Mode.OBSERVE}))
    assert "mode is observe. It would wait while database_down: The database can't be reached." in found.message


@pytest.mark.parametrize(
    ("given", "waits"),
    [
        ({"pause": Pause(paused=True, why="ann paused it")}, "the gate pause: ann paused it."),
        (
            {"alerts": [AlertView("am", AlertState.SUPPRESSED, "silenced")]},
            "the gate alert: The alert is silenced in am.",
        ),
    ],
)
def test_what_an_approval_would_wait_for_is_said(given: dict[str, Any], waits: str) -> None:
    found, _, _ = ending(STUCK, 120, **given)
    assert found.message.startswith(
        f"A person must decide on this restart. It would wait for {waits} stuck_unavailable: "
    )


def test_a_second_of_split_brain_in_a_fail_over_does_nothing() -> None:
    observations = [at(0, SPLIT), *(at(seconds, hung()) for seconds in range(5, 120, 5))]
    assert follow(remediation(), observations)[0].phase is Phase.WATCHING


def test_two_nevers_in_turns_call_a_person_and_both_are_named() -> None:
    observations = [at(seconds, EXPIRED if seconds % 90 < 45 else SPLIT) for seconds in range(0, 125, 5)]
    found = follow(remediation(), observations)[0]
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.NEVER)
    assert found.message.startswith("No restart: every check of the last 2 minutes refused it. ")
    assert "tls_broken" in found.message
    assert "split_brain" in found.message


def test_a_blind_observation_does_not_begin_the_two_minutes_anew() -> None:
    observations = [
        at(seconds, hung(pods=unknown("HTTP 500")) if seconds == 60 else EXPIRED) for seconds in range(0, 125, 5)
    ]
    assert follow(remediation(), observations)[0].phase is Phase.ESCALATED


def test_a_blind_stretch_of_minutes_proves_no_never() -> None:
    assert follow(remediation(), [at(0, SPLIT), at(130, SPLIT)])[0].phase is Phase.WATCHING


def test_a_wrong_selector_is_a_never_though_the_fault_is_ours() -> None:
    found, _, _ = ending(observation(bbs(0), bbs(1), service=Reply.OK), 120)
    assert found.reason is Reason.NEVER


@pytest.mark.parametrize("part", ["pods", "workloads"])
def test_what_can_not_be_read_is_no_never(part: str) -> None:
    """Else two minutes of trouble with the API would end every remediation."""
    assert ending(hung(**{part: unknown("HTTP 500")}), 300)[0].phase is Phase.WATCHING


def test_a_roll_out_is_waited_for() -> None:
    """Incident 4: a helm upgrade takes minutes, and its old revision is no reason for a person to come."""
    assert ending(ROLLING, 500)[0].phase is Phase.WATCHING


def test_resolved_while_it_does_not_serve_calls_a_person() -> None:
    assert ending(hung(), 115, alerts=GONE)[0].phase is Phase.WATCHING
    found, _, _ = ending(hung(), 120, alerts=GONE)
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.ALERT_GONE)
    assert found.message.startswith("The alert is not firing in any Alertmanager, but the fault persists.")
    assert not found.latched, "the alert that comes back opens the next one at once"
    assert found.waits, "and a person is called all the same"
    assert not found.released("serving", NOW).waits


@pytest.mark.parametrize("other", [AlertState.ACTIVE, AlertState.SUPPRESSED, AlertState.UNREADABLE])
def test_it_is_resolved_only_if_every_alertmanager_says_so(other: AlertState) -> None:
    alerts = (GONE[0], AlertView("am-1", other))
    assert ending(hung(), 120, alerts=alerts)[0].reason is not Reason.ALERT_GONE


def test_resolved_while_nothing_can_be_seen_is_not_called_an_outage() -> None:
    assert ending(hung(pods=unknown("HTTP 500")), 300, alerts=GONE)[0].phase is Phase.WATCHING


def test_what_else_forbids_it_is_named_and_the_next_command_is_about_that() -> None:
    """No approval could help, so none is asked for."""
    found, _, _ = ending(replace(STUCK, cloud_controller=ReadyPods(0, 2)), 120)
    assert found.reason is Reason.NEVER
    assert found.message.startswith(
        "A restart is not the fix while cloud_controller_down: No Cloud Controller pod is Ready. "
    )
    assert "approve" not in found.message
    assert "--accept" not in found.message


def test_what_is_seen_once_takes_no_approval_away_and_what_it_would_wait_for_is_said() -> None:
    seen = [at(second, replace(STUCK, cloud_controller=ReadyPods(second != 120, 2))) for second in range(0, 125, 5)]
    found = follow(remediation(), seen)[0]
    assert found.reason is Reason.AWAITING_APPROVAL
    said = "A person must decide on this restart. It would wait while cloud_controller_down: No Cloud Controller pod "
    assert found.message.startswith(said)


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"database": False}, "database_down: The database can't be reached."),
        ({"cloud_controller": unknown("HTTP 403")}, "observer_fault: Not everything could be read: HTTP 403."),
    ],
)
def test_whoever_is_asked_to_approve_is_told_what_it_would_wait_for(changes: dict[str, Any], waits: str) -> None:
    found, _, _ = ending(replace(STUCK, **changes), 120)
    assert found.reason is Reason.AWAITING_APPROVAL
    assert f"A person must decide on this restart. It would wait while {waits} " in found.message


@pytest.mark.parametrize("seen", [EXPIRED, observation(bbs(0, Reply.OK), bbs(1), service=Reply.REFUSED)])
def test_what_nobody_accepted_is_escalated_as_itself_whatever_else_holds(seen: Observation) -> None:
    plain, _, _ = ending(seen, 120)
    found, _, _ = ending(replace(seen, cloud_controller=ReadyPods(0, 2), locket=unknown("HTTP 403")), 120)
    assert found.reason is Reason.NEVER
    assert found.message.startswith("A restart is not the fix. ")
    assert next_step(found.message) == next_step(plain.message)


def test_beside_one_in_mode_act_a_replica_in_mode_observe_gives_up_all_the_same() -> None:
    found = remediation(request=Request("cf", person="kim", mode="act"))
    observes = ACT.model_copy(update={"mode": Mode.OBSERVE})
    assert follow(found, every(5, 3590), policy=observes)[0].phase is Phase.WATCHING
    assert follow(found, every(5, 3600), policy=observes)[0].reason is Reason.GAVE_UP


def test_one_alertmanager_out_of_reach_holds_nothing_for_ever_beside_one_that_knows_nothing_of_the_alert() -> None:
    alerts = (*ACTIVE, GONE[0], AlertView("am-2", AlertState.UNREADABLE))
    assert ending(hung(), 295, alerts=alerts)[0].phase is Phase.WATCHING
    assert ending(hung(), 300, alerts=alerts)[0].phase is Phase.RESTARTING


def test_a_silence_only_makes_it_wait() -> None:
    alerts = (AlertView("am-0", AlertState.SUPPRESSED, "silenced"),)
    found, _, action = ending(hung(), 500, alerts=alerts)
    assert found.phase is Phase.WATCHING
    assert action == Wait("Gate alert: The alert is silenced in am-0.")


def test_a_pause_only_makes_it_wait_and_its_end_lets_it_go_on() -> None:
    observations = every(5, 300)
    streaks, found = Streaks(), remediation()
    action: Action = Wait("")
    for each in observations:
        pause = Pause(paused=each.moment.at < NOW + timedelta(seconds=250), why="kim is here.")
        found, streaks, action = decide(found, inputs(each, streaks=streaks, pause=pause))
        if found.phase is not Phase.WATCHING:
            break
    assert found.phase is Phase.RESTARTING
    assert found.entered == NOW + timedelta(seconds=250)
    assert action == Continue()


@pytest.mark.parametrize(("age", "overdue"), [(599, False), (600, True), (3000, True)])
def test_after_ten_minutes_it_is_overdue_and_a_person_should_know(age: float, overdue: bool) -> None:  # noqa: FBT001
    assert decide(remediation(age=age), inputs(pause=Pause(paused=True, why="-")))[0].overdue is overdue


def test_after_an_hour_it_gives_up_and_names_the_gate() -> None:
    paused = inputs(pause=Pause(paused=True, why="kim is here."))
    assert decide(remediation(age=3599), paused)[0].phase is Phase.WATCHING
    found, _, _ = decide(remediation(age=3600), paused)
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.GAVE_UP)
    assert found.message == (
        "Not fixed within 60 minutes. Gate pause: kim is here. This process has watched it only since 12:00:00 UTC. "
        "Nothing was deleted. Answers now: diego-api-0 refused, diego-api-1 refused, Service timeout. "
        "Next: kubectl -n cf delete configmap stagekeeper-pause"
    )


def test_a_person_who_accepts_gets_the_restart_and_the_plan_says_for_what() -> None:
    asked = replace(remediation(), request=Request("cf", person="kim", accept="stuck_unavailable"))
    found, _, _ = follow(asked, every(5, 120, STUCK))
    assert found.phase is Phase.RESTARTING
    assert found.plan is not None
    assert found.plan.diagnosis == "stuck_unavailable"


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.open])
def test_a_closed_remediation_is_left_as_it_is(phase: Phase) -> None:
    closed = remediation(phase)
    found, _, action = decide(closed, inputs())
    assert found is closed
    assert action == Close()
