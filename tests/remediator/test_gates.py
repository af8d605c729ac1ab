"""Every gate, answer by answer. What could not be read blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from remediator import gates
from remediator.inputs import AlertState, AlertView, Inputs, Past, Pause
from remediator.policy import Mode
from remediator.remediation import GateResult, Outcome
from remediator.streaks import Assessment, Streaks
from stagekeeper.diego.diagnosis import RESTART, Condition, Restart
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, ReadyPods, Reply
from tests.diego import observations
from tests.diego.observations import (
    NOW,
    ago,
    bbs,
    container,
    healthy,
    hung,
    observation,
    pod,
    unknown,
    workload,
)
from tests.remediator.builders import ACT, ACTIVE, CF, NOT_PAUSED, at, moment

PASS, NOT_YET, NEVER, NOT_CONFIGURED = Outcome.PASS, Outcome.NOT_YET, Outcome.NEVER, Outcome.NOT_CONFIGURED
HOUR = timedelta(hours=1)


def asked(seen: Assessment | Observation | None = None, accept: str = "", **changes: object) -> Inputs:
    found = seen if isinstance(seen, Assessment) else at(0, seen)
    plain = Inputs(CF, ACT, found, Streaks(), NOT_PAUSED, ACTIVE, (), frozenset({accept}))
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_only_the_mode_act_passes() -> None:
    assert gates.mode(asked()).outcome is PASS
    assert gates.mode(asked(policy=ACT.model_copy(update={"mode": Mode.OBSERVE}))).outcome is NEVER


def test_a_pause_blocks_with_its_own_words() -> None:
    assert gates.pause(asked()).outcome is PASS
    assert gates.pause(asked(pause=Pause(paused=True, why="kim is at the database."))) == GateResult(
        NOT_YET, "kim is at the database."
    )


def whole(answer: GateResult) -> tuple[Outcome, str, str, datetime | None]:
    """With what two answers may differ in and still be the same."""
    return answer.outcome, answer.why, answer.progress, answer.not_before


def seen(*each: AlertState) -> tuple[AlertView, ...]:
    return tuple(AlertView(f"am-{number}", what, "silenced") for number, what in enumerate(each))


A, S, N, U = AlertState.ACTIVE, AlertState.SUPPRESSED, AlertState.ABSENT, AlertState.UNREADABLE
UNASKED = "can't be asked whether the alert is silenced there: silenced"


@pytest.mark.parametrize(
    ("alerts", "answer"),
    [
        (seen(N, A), GateResult(PASS, "The alert is firing in am-1 (silenced).")),
        (seen(U, A), GateResult(NOT_YET, f"am-0 {UNASKED}")),
        (seen(A, S), GateResult(NOT_YET, "The alert is silenced in am-1.")),
        (seen(S, U), GateResult(NOT_YET, "The alert is silenced in am-0.")),
        (seen(N, N), GateResult(NOT_YET, "The alert is not firing in any Alertmanager.")),
        (seen(N, U), GateResult(NOT_YET, f"am-1 {UNASKED}")),
        ((), GateResult(NOT_CONFIGURED, "No Alertmanager is configured to be asked.")),
    ],
)
def test_every_alertmanager_is_heard_and_any_suppression_wins(alerts: Sequence[AlertView], answer: GateResult) -> None:
    assert gates.alert(asked(alerts=alerts)) == answer


def unread_for(minutes: float) -> Streaks:
    """One Alertmanager of two could not be asked for so long."""
    found = Streaks()
    for second in range(0, int(minutes * 60) + 1, 5):
        found = found.with_alerts(
            gone=False, unread=True, suppressed=frozenset(), moment=moment(second), tolerance=ACT.tolerance
        )
    return found


@pytest.mark.parametrize(("minutes", "word"), [(4.9, NOT_YET), (5, PASS)])
def test_after_five_minutes_those_that_answer_are_enough(minutes: float, word: Outcome) -> None:
    found = gates.alert(asked(alerts=seen(U, A), streaks=unread_for(minutes)))
    assert found.outcome is word
    if word is PASS:
        assert found.why == "The alert is firing in am-1. am-0 could not be asked for 5 minutes."


def test_unless_the_one_that_is_away_had_it_suppressed() -> None:
    streaks = replace(unread_for(10), suppressed=frozenset({"am-0"}))
    assert gates.alert(asked(alerts=seen(U, A), streaks=streaks)) == GateResult(NOT_YET, f"am-0 {UNASKED}")


def test_unless_they_are_configured_not_to_be() -> None:
    waiting = ACT.model_copy(update={"alerts_unread_then": "wait"})
    assert gates.alert(asked(alerts=seen(U, A), streaks=unread_for(60), policy=waiting)).outcome is NOT_YET


@pytest.mark.parametrize("states", [(U,), (U, N), (U, S)])
def test_without_an_active_alert_no_time_is_enough(states: Sequence[AlertState]) -> None:
    assert gates.alert(asked(alerts=seen(*states), streaks=unread_for(60))).outcome is NOT_YET


@pytest.mark.parametrize(
    ("ended", "word"),
    [
        (timedelta(minutes=14, seconds=59), NOT_YET),
        (timedelta(minutes=15), PASS),
        (timedelta(0), NOT_YET),
        (-timedelta(minutes=2), NOT_YET),
    ],
)
def test_the_cooldown_runs_from_the_end_of_the_last_plan(ended: timedelta, word: Outcome) -> None:
    past = [Past("diego-api-r1", ago(ended + HOUR), ago(ended))]
    assert gates.cooldown(asked(past=past)).outcome is word


def test_a_plan_that_never_ended_counts_from_its_decision() -> None:
    past = [Past("diego-api-r1", ago(timedelta(minutes=3)), None)]
    said = "The cooldown after the restart by diego-api-r1 lasts until 12:12:00 UTC."
    assert whole(gates.cooldown(asked(past=past))) == (NOT_YET, said, "", ago(-timedelta(minutes=12)))


def test_young_pods_speak_where_the_record_was_deleted() -> None:
    young = observation(bbs(0), bbs(1, age=timedelta(minutes=10)))
    assert gates.cooldown(asked(young)) == GateResult(
        NOT_YET, "The cooldown after the start of diego-api-1 lasts until 12:05:00 UTC."
    )
    assert gates.cooldown(asked(observation(bbs(0, age=timedelta(minutes=15))))).outcome is PASS


def test_pods_of_which_no_beginning_is_known_are_old() -> None:
    assert gates.cooldown(asked(observation(bbs(0, created=None)))).outcome is PASS


def test_a_pod_from_the_future_is_as_young_as_can_be() -> None:
    young = observation(bbs(0, age=-HOUR))
    said = "The cooldown after the start of diego-api-0 lasts until 12:15:00 UTC."
    assert whole(gates.cooldown(asked(young))) == (NOT_YET, said, "", ago(-timedelta(minutes=15)))


def locket(**changes: object) -> Observation:
    own = replace(pod(0, name="diego-locket-0", uid="l", owner="diego-locket"), **changes)  # type: ignore[arg-type]
    return hung(locket=Locket(workload("diego-locket", replicas=1), (own,)))


def test_lockets_own_restarts_count_for_the_cooldown() -> None:
    assert gates.cooldown(asked(locket(created=ago(timedelta(minutes=14))))).why == (
        "The cooldown after the start of diego-locket-0 lasts until 12:01:00 UTC."
    )


def test_locket_that_came_back_by_itself_gets_its_time_to_be_the_fix() -> None:
    said = "diego-locket-0 came back by itself: it has until 12:00:01 UTC to be the fix."
    waits = gates.cooldown(asked(locket(ready_since=ago(timedelta(seconds=29)))))
    assert whole(waits) == (NOT_YET, said, "", ago(-timedelta(seconds=1)))
    future = gates.cooldown(asked(locket(ready_since=ago(-HOUR))))
    assert future.not_before == ago(-timedelta(seconds=30))
    assert gates.cooldown(asked(locket(ready_since=ago(timedelta(seconds=30))))).outcome is PASS


def test_of_two_pods_of_locket_the_last_to_come_back_counts() -> None:
    pods = tuple(pod(0, name=f"diego-locket-{age}", ready_since=ago(timedelta(seconds=age))) for age in (9000, 10))
    seen = hung(locket=Locket(workload("diego-locket"), pods))
    assert gates.cooldown(asked(seen)).why.startswith("diego-locket-10 came back by itself")


@pytest.mark.parametrize(
    ("hours", "word"),
    [((), PASS), ((5,), PASS), ((5, 1), NOT_YET), ((6.5, 1), PASS), ((7, 5, 1), NOT_YET), ((5, 3, 1), NOT_YET)],
)
def test_the_budget_is_two_plans_in_six_hours(hours: Sequence[float], word: Outcome) -> None:
    past = [Past(f"diego-api-{each}", ago(each * HOUR), ago(each * HOUR)) for each in hours]
    assert gates.budget(asked(past=past)).outcome is word


def test_the_budget_says_when_it_is_free_again() -> None:
    past = [Past("a", ago(5 * HOUR), None), Past("b", ago(HOUR), None)]
    said = "2 of 2 restarts used in the last 6 hours: no further one before 13:00:00 UTC."
    assert whole(gates.budget(asked(past=past))) == (NOT_YET, said, "", ago(-HOUR))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (hung(), PASS),
        (healthy(), NEVER),
        (observation(bbs(0, Reply.OK), bbs(1, Reply.OK)), NEVER),
        (observation(bbs(0, Reply.UNAVAILABLE, age=HOUR / 2)), NOT_YET),
        (observation(bbs(0, Reply.UNAVAILABLE)), NEVER),
        (hung(pods=unknown("HTTP 500")), NOT_YET),
        (hung(workloads=(), pods=()), NEVER),
        (hung(workloads=(workload(replicas=0),)), NEVER),
    ],
)
def test_the_diagnosis_decides_as_the_table_says(found: Observation, word: Outcome) -> None:
    assert gates.diagnosis(asked(found)).outcome is word


STUCK = observation(bbs(0, Reply.UNAVAILABLE), bbs(1))


def test_a_person_overrides_exactly_the_diagnosis_that_they_name() -> None:
    assert gates.diagnosis(asked(STUCK, accept="stuck_unavailable")).outcome is PASS
    assert gates.diagnosis(asked(STUCK, accept="frozen")).outcome is NEVER
    assert gates.diagnosis(asked(observation(bbs(0, Reply.NO_REPLY)), accept="frozen")).outcome is PASS


ACCEPTED = [
    "stuck_unavailable",
    "listening_unknown",
    "frozen",
    "tls_broken",
    "network_fault",
    "crash_looping",
    "pods_not_ready",
    "locket_down",
    "cloud_controller_down",
]


@pytest.mark.parametrize("name", Condition)
def test_a_person_overrides_these_and_no_other(name: Condition) -> None:
    never = replace(at(0), diagnosis=replace(at(0).diagnosis, name=name, restart=Restart.NEVER))
    assert gates.diagnosis(asked(never, accept=name)).opens == (name in ACCEPTED)


def test_a_pod_that_serves_is_not_restarted_whatever_was_accepted() -> None:
    broken = observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.TIMEOUT)
    assert at(0, broken).diagnosis.name is Condition.NETWORK_FAULT
    assert gates.diagnosis(asked(broken, accept="network_fault")).outcome is NEVER


UNREADY: Any = {"ready": "False", "containers": (container(), container("loggregator-agent", ready=False))}
LOOPS = (container(ready=False, waiting="CrashLoopBackOff", restarts=9),)


@pytest.mark.parametrize(
    ("accept", "pods", "changes"),
    [
        ("network_fault", (bbs(0, Reply.TIMEOUT, active=None), bbs(1, active=None)), {"control": "api-0"}),
        ("network_fault", (bbs(0, Reply.TIMEOUT, active=True, **UNREADY), bbs(1)), {}),
        ("frozen", (bbs(0, Reply.NO_REPLY, active=None), bbs(1, active=None)), {}),
        ("frozen", (bbs(0, Reply.BAD_REPLY, active=None),), {}),
        ("tls_broken", (bbs(0, Reply.TLS, active=None), bbs(1, active=None)), {}),
        ("stuck_unavailable", (bbs(0, Reply.UNAVAILABLE, active=None), bbs(1, Reply.TIMEOUT, active=None)), {}),
        ("crash_looping", (bbs(0, active=None, containers=LOOPS), bbs(1, Reply.TIMEOUT, active=None)), {}),
        ("crash_looping", (bbs(0, active=None, containers=LOOPS), bbs(1, active=None)), {"witness": ""}),
        ("crash_looping", (bbs(0, containers=LOOPS), bbs(1, active=True)), {}),
        ("cloud_controller_down", (bbs(0, active=None),), {"cloud_controller": ReadyPods(0, 2), "witness": ""}),
    ],
)
def test_where_nobody_can_know_that_it_does_not_serve_no_person_has_it_restarted(
    accept: str, pods: tuple[BbsPod, ...], changes: dict[str, Any]
) -> None:
    """Without a label, or with one that says active, a pod that did not answer us may serve everybody else."""
    seen = observation(*pods, service=Reply.REFUSED, **changes)
    assert at(0, seen).diagnosis.name == accept
    answer = gates.diagnosis(asked(seen, accept=accept))
    assert answer.outcome is NEVER
    assert "That it was accepted does not count: diego-api-" in answer.why
    policy = ACT.model_copy(update={"restart_stuck_unavailable": True})
    assert gates.diagnosis(asked(seen, policy=policy)).outcome is NEVER


@pytest.mark.parametrize(
    ("accept", "pods", "changes"),
    [
        ("network_fault", (bbs(0, Reply.TIMEOUT), bbs(1)), {"control": "api-0"}),
        ("frozen", (bbs(0, Reply.NO_REPLY), bbs(1)), {}),
        ("stuck_unavailable", (bbs(0, Reply.UNAVAILABLE, active=None), bbs(1, active=None)), {"witness": "port 8890"}),
        ("crash_looping", (bbs(0, active=None, containers=LOOPS), bbs(1, active=None)), {"witness": "port 8890"}),
    ],
)
def test_where_a_label_or_a_refusal_says_that_it_does_not_serve_a_person_decides(
    accept: str, pods: tuple[BbsPod, ...], changes: dict[str, Any]
) -> None:
    seen = observation(*pods, service=Reply.REFUSED, **changes)
    assert at(0, seen).diagnosis.name == accept
    assert gates.diagnosis(asked(seen, accept=accept)).outcome is PASS


BESIDES: Mapping[Condition, Observation] = {
    Condition.DATABASE_DOWN: hung(database=False),
    Condition.CLOUD_CONTROLLER_DOWN: hung(cloud_controller=ReadyPods(0, 2)),
    Condition.ROLLING_OUT: hung(workloads=(workload(generation=9),)),
    Condition.SCALED_DOWN: hung(workloads=(workload(replicas=0),)),
    Condition.LOCKET_DOWN: hung(locket=observations.locket("False")),
    Condition.NODE_DOWN: observation(bbs(0), bbs(1, Reply.TIMEOUT, ready="Unknown")),
    Condition.TERMINATING_STUCK: observation(bbs(0), bbs(1, ends_at=NOW - HOUR)),
    Condition.CRASH_LOOPING: observation(bbs(0), bbs(1, containers=LOOPS)),
}
ANSWERS = {
    Reply.UNAVAILABLE: "stuck_unavailable",
    Reply.NO_REPLY: "frozen",
    Reply.TLS: "tls_broken",
}


@pytest.mark.parametrize("other", BESIDES)
@pytest.mark.parametrize("reply", ANSWERS)
def test_what_else_forbids_a_restart_holds_an_accepted_one_too(other: Condition, reply: Reply) -> None:
    """The rows of what a port answers come first in the table; to accept one of them accepts no later one."""
    first, *rest = BESIDES[other].known_pods
    seen = replace(BESIDES[other], pods=(replace(first, probe=Probe(reply)), *rest))
    assert at(0, seen).diagnosis.name == ANSWERS[reply]
    answer = gates.diagnosis(asked(seen, accept=ANSWERS[reply]))
    assert answer.outcome.value == RESTART[other].value
    assert answer.why.startswith(f"{ANSWERS[reply]} would be restarted, but {other}: ")


@pytest.mark.parametrize("reply", ANSWERS)
@pytest.mark.parametrize("other", [bbs(1, age=timedelta(seconds=20)), observations.pending(1, age=HOUR)])
def test_another_pod_that_is_young_or_does_not_start_holds_no_accepted_restart(reply: Reply, other: BbsPod) -> None:
    seen = observation(bbs(0, reply), other)
    assert gates.diagnosis(asked(seen, accept=ANSWERS[reply])).outcome is PASS


def test_what_can_not_be_read_holds_an_accepted_restart() -> None:
    answer = gates.diagnosis(asked(replace(STUCK, database=unknown("no route")), accept="stuck_unavailable"))
    assert answer == GateResult(
        NOT_YET, "stuck_unavailable would be restarted, but observer_fault: Not everything could be read: no route."
    )


def test_nor_does_the_setting_override_more_than_the_503() -> None:
    policy = ACT.model_copy(update={"restart_stuck_unavailable": True})
    answer = gates.diagnosis(asked(replace(STUCK, database=False), policy=policy))
    assert answer == GateResult(
        NEVER if RESTART[Condition.DATABASE_DOWN] is Restart.NEVER else NOT_YET,
        "stuck_unavailable would be restarted, but database_down: The database can't be reached.",
    )


def test_the_setting_waits_while_it_may_only_just_not_be_a_migration_and_a_person_need_not() -> None:
    policy = ACT.model_copy(update={"restart_stuck_unavailable": True})
    just = observation(bbs(0, Reply.UNAVAILABLE, age=timedelta(minutes=61)), bbs(1))
    assert at(0, just).diagnosis.name == "stuck_unavailable"
    assert gates.diagnosis(asked(just, policy=policy)).outcome is NOT_YET
    assert gates.diagnosis(asked(just, accept="stuck_unavailable")).outcome is PASS


def test_the_setting_restart_stuck_unavailable_overrides_that_one_and_no_other() -> None:
    policy = ACT.model_copy(update={"restart_stuck_unavailable": True})
    assert gates.diagnosis(asked(STUCK, policy=policy)).outcome is PASS
    assert gates.diagnosis(asked(observation(bbs(0, Reply.TLS)), policy=policy)).outcome is NEVER


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ((), "with the next observation in which every gate is open"),
        ((NOW + HOUR / 40, NOW + HOUR / 60), "at 12:01:30 UTC at the earliest, in 1m30s"),
        ((NOW,), "with the next observation in which every gate is open"),
        ((NOW + HOUR, None), "not before the gate closed-0 opens"),
    ],
)
def test_when_it_may_restart_at_the_earliest_is_said(closed: Sequence[datetime | None], said: str) -> None:
    answers = [(f"closed-{each}", gates.not_yet("", not_before=at)) for each, at in enumerate(closed)]
    assert gates.earliest_sentence([("open", gates.passes("")), *answers], NOW) == said


def test_every_gate_is_asked_at_every_observation_in_one_order() -> None:
    names = [name for name, _ in gates.ask(asked())]
    assert names == ["mode", "pause", "alert", "cooldown", "budget", "diagnosis", "confirmation", "bounds"]


def test_no_answer_holds_a_figure_that_changes_fromobservation_to_observation() -> None:
    """Else a record would be written at each observation, and a logbook that changes always says nothing."""
    past = [Past("diego-api-r1", ago(timedelta(minutes=3)), ago(timedelta(minutes=3)))]
    first, second = (gates.ask(asked(at(seconds), past=past)) for seconds in (0, 7))
    assert first == second
    assert at(0).moment.at == NOW
