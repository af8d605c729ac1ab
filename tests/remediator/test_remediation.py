"""A remediation is a value: it tells where it stands, and a transition returns the next one."""

from datetime import timedelta

import pytest

from remediator.remediation import Phase, Reason
from tests.diego.observations import NOW
from tests.remediator.builders import ACT, locket_plan, planned, remediation, restarting


def test_a_remediation_is_open_until_it_has_an_outcome() -> None:
    assert {phase for phase in Phase if phase.open} == {Phase.WATCHING, Phase.RESTARTING, Phase.VERIFYING}


def test_a_transition_is_a_line_in_the_logbook() -> None:
    found = remediation(age=60).moved(Phase.RESTARTING, Reason.GATES_OPEN, "Restarting.", NOW)
    assert (found.phase, found.reason, found.message, found.entered) == (
        Phase.RESTARTING,
        Reason.GATES_OPEN,
        "Restarting.",
        NOW,
    )
    assert [(each.phase, each.message) for each in found.transitions] == [(Phase.RESTARTING, "Restarting.")]


def test_a_long_logbook_keeps_its_beginning_and_its_end() -> None:
    found = remediation()
    for number in range(35):
        found = found.moved(Phase.WATCHING, Reason.ALERT, str(number), NOW)
    kept = [*range(5), *range(10, 35)]
    assert [each.message for each in found.transitions] == [str(number) for number in kept]


def test_a_remediation_without_transitions_entered_its_phase_when_it_was_created() -> None:
    assert remediation(age=60).entered == remediation(age=60).created


@pytest.mark.parametrize("phase", Phase)
def test_only_an_escalation_or_an_observation_latches_and_a_release_opens_it(phase: Phase) -> None:
    found = remediation(phase)
    assert found.latched is (phase in {Phase.ESCALATED, Phase.OBSERVED})
    assert not found.released("serving", NOW).latched


def test_an_open_remediation_has_no_end() -> None:
    assert remediation().closed_at is None
    assert remediation(Phase.RECOVERED, age=60).closed_at == remediation(age=60).created


def test_a_pod_is_dealt_with_once() -> None:
    (pod,) = planned("diego-api-0")
    first = restarting().noted(pod, "deleted", NOW)
    assert first.done(pod)
    assert first.noted(pod, "gone", NOW) is first


def test_the_current_step_is_the_first_with_a_pod_left() -> None:
    plan = locket_plan([("diego-locket-0", "l")], [("diego-api-0", "a"), ("diego-api-1", "b")])
    names = [
        restarting(done, plan=plan).current_step
        for done in ((), ("diego-locket-0",), ("diego-locket-0", "diego-api-0"))
    ]
    assert [step and step.workload for step in names] == ["diego-locket", "diego-api", "diego-api"]
    assert restarting(("diego-locket-0", "diego-api-0", "diego-api-1"), plan=plan).current_step is None
    assert remediation().current_step is None


def test_it_may_be_open_for_ten_minutes_and_twice_the_time_of_its_plan() -> None:
    assert ACT.bound(remediation()) == timedelta(minutes=10)
    assert ACT.bound(restarting(plan=locket_plan([], []))) == timedelta(minutes=10, seconds=2 * 2 * 900)


def test_the_ordinal_is_the_number_at_the_end_of_the_name() -> None:
    assert remediation(name="diego-api-r12").ordinal == 12
