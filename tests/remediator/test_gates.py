"""Every gate, answer by answer. What could not be read blocks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from remediator import gates
from remediator.answers import GateResult, Outcome
from remediator.gates import AlertSeen, Past, Pause, Seen, Situation
from remediator.policy import Mode
from remediator.streaks import Assessment, Streaks
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.observations import NOW, ago, bbs, healthy, hung, observation, unknown, workload
from tests.remediator.builders import ACT, ACTIVE, CF, NOT_PAUSED, at

PASS, NOT_YET, NEVER, NOT_CONFIGURED = Outcome.PASS, Outcome.NOT_YET, Outcome.NEVER, Outcome.NOT_CONFIGURED
HOUR = timedelta(hours=1)


def asked(seen: Assessment | Observation | None = None, **changes: object) -> Situation:
    found = seen if isinstance(seen, Assessment) else at(0, seen)
    plain = Situation(CF, ACT, found, Streaks(), NOT_PAUSED, ACTIVE, ())
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_only_the_mode_act_passes() -> None:
    assert gates.mode(asked()).outcome is PASS
    assert gates.mode(asked(policy=replace(ACT, mode=Mode.OBSERVE))).outcome is NEVER


def test_a_pause_blocks_with_its_own_words() -> None:
    assert gates.pause(asked()).outcome is PASS
    assert gates.pause(asked(pause=Pause(paused=True, why="kim is at the database."))) == GateResult(
        NOT_YET, "kim is at the database."
    )


def seen(*each: Seen) -> tuple[AlertSeen, ...]:
    return tuple(AlertSeen(f"am-{number}", what, "silenced") for number, what in enumerate(each))


@pytest.mark.parametrize(
    ("alerts", "answer"),
    [
        (seen(Seen.ACTIVE), GateResult(PASS, "The alert is active in am-0.")),
        (seen(Seen.ABSENT, Seen.ACTIVE), GateResult(PASS, "The alert is active in am-1.")),
        (seen(Seen.UNREADABLE, Seen.ACTIVE), GateResult(PASS, "The alert is active in am-1.")),
        (seen(Seen.ACTIVE, Seen.SUPPRESSED), GateResult(NOT_YET, "am-1 has the alert silenced.")),
        (seen(Seen.SUPPRESSED, Seen.UNREADABLE), GateResult(NOT_YET, "am-0 has the alert silenced.")),
        (seen(Seen.ABSENT, Seen.ABSENT), GateResult(NOT_YET, "No Alertmanager has the alert (any more).")),
        (
            seen(Seen.ABSENT, Seen.UNREADABLE),
            GateResult(NOT_YET, "am-1 can't be asked whether the alert is still active: silenced"),
        ),
        ((), GateResult(NOT_CONFIGURED, "No Alertmanager is configured to be asked.")),
    ],
)
def test_one_active_alert_suffices_and_any_suppression_wins(alerts: Sequence[AlertSeen], answer: GateResult) -> None:
    assert gates.alert(asked(alerts=alerts)) == answer


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
    past = [Past("diego-api-1", ago(ended + HOUR), ago(ended))]
    assert gates.cooldown(asked(past=past)).outcome is word


def test_a_plan_that_never_ended_counts_from_its_decision() -> None:
    past = [Past("diego-api-1", ago(timedelta(minutes=3)), None)]
    assert gates.cooldown(asked(past=past)) == GateResult(
        NOT_YET, "The cooldown after the restart of diego-api-1 lasts until 12:12:00 UTC."
    )


def test_young_pods_speak_where_the_record_was_deleted() -> None:
    young = observation(bbs(0), bbs(1, age=timedelta(minutes=10)))
    assert gates.cooldown(asked(young)) == GateResult(
        NOT_YET, "The cooldown after the start of diego-api-1 lasts until 12:05:00 UTC."
    )
    assert gates.cooldown(asked(observation(bbs(0, age=timedelta(minutes=15))))).outcome is PASS


def test_a_pod_from_the_future_is_as_young_as_can_be() -> None:
    young = observation(bbs(0, age=-HOUR))
    assert gates.cooldown(asked(young)).why.endswith("lasts until 12:15:00 UTC.")


@pytest.mark.parametrize(
    ("hours", "word"),
    [((), PASS), ((5,), PASS), ((5, 1), NOT_YET), ((6.5, 1), PASS), ((7, 5, 1), NOT_YET), ((5, 3, 1), NOT_YET)],
)
def test_the_budget_is_two_plans_in_six_hours(hours: Sequence[float], word: Outcome) -> None:
    past = [Past(f"diego-api-{each}", ago(each * HOUR), ago(each * HOUR)) for each in hours]
    assert gates.budget(asked(past=past)).outcome is word


def test_the_budget_says_when_it_is_free_again() -> None:
    past = [Past("a", ago(5 * HOUR), None), Past("b", ago(HOUR), None)]
    assert gates.budget(asked(past=past)).why == "2 restarts within 6 hours use up the budget until 13:00:00 UTC."


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


@pytest.mark.parametrize("name", sorted(set(Condition) - gates.OVERRIDABLE))
def test_no_person_overrides_a_diagnosis_with_which_somebody_may_serve(name: Condition) -> None:
    found = at(0, healthy())
    other = replace(found, diagnosis=replace(found.diagnosis, name=name))
    assert gates.diagnosis(asked(other, accept=name)).outcome is NEVER


def test_a_pod_that_serves_is_not_restarted_whatever_was_accepted() -> None:
    broken = observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.TIMEOUT)
    assert at(0, broken).diagnosis.name is Condition.NETWORK_FAULT
    assert gates.diagnosis(asked(broken, accept="network_fault")).outcome is NEVER


def test_the_setting_restart_stuck_unavailable_overrides_that_one_and_no_other() -> None:
    policy = replace(ACT, restart_stuck_unavailable=True)
    assert gates.diagnosis(asked(STUCK, policy=policy)).outcome is PASS
    assert gates.diagnosis(asked(observation(bbs(0, Reply.TLS)), policy=policy)).outcome is NEVER


def test_every_gate_is_asked_at_every_observation_in_one_order() -> None:
    names = [name for name, _ in gates.ask(asked())]
    assert names == ["mode", "pause", "alert", "cooldown", "budget", "diagnosis", "confirmation", "bounds"]


def test_no_answer_holds_a_figure_that_changes_fromobservation_to_observation() -> None:
    """Else a record would be written at each observation, and a logbook that changes always says nothing."""
    past = [Past("diego-api-1", ago(timedelta(minutes=3)), ago(timedelta(minutes=3)))]
    first, second = (gates.ask(asked(at(seconds), past=past)) for seconds in (0, 7))
    assert first == second
    assert at(0).moment.at == NOW
