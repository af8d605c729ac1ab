"""What holds for the judgement whatever a look holds, and that every diagnosis can be reached."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagekeeper.diego.diagnosis import RESTART, RESTART_BY_ROW, ROWS, Name, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Observation, Probe, ReadyPods, Reply, Unknown
from tests.diego import looks
from tests.diego.any_look import ANY_LOOK
from tests.diego.looks import ago, bbs, container, healthy, hung, locket, look, pending, workload

MINUTE = timedelta(minutes=1)
ACCEPTING = [reply for reply in Reply if reply.accepted]
UNREAD = [Unknown("HTTP 500."), NOT_CONFIGURED]

EXAMPLES: dict[str, Observation] = {
    "1": look(workloads=()),
    "2": look(bbs(0, Reply.OK), bbs(1, Reply.OK)),
    "3": healthy(),
    "4": look(bbs(0, Reply.OK), bbs(1)),
    "5": look(bbs(0, Reply.OK, active=True), bbs(1)),
    "6": hung(service=Probe(Reply.OK)),
    "7": look(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1)),
    "7b": look(bbs(0, Reply.UNAVAILABLE), bbs(1)),
    "8": look(bbs(0, Reply.TLS), bbs(1)),
    "9": look(bbs(0, Reply.NO_REPLY), bbs(1)),
    "10": hung(steady=False),
    "11": look(workloads=(workload(replicas=0),)),
    "12": look(bbs(0, ends_at=looks.NOW), bbs(1)),
    "13": hung(workloads=(workload(generation=5),)),
    "14": hung(database=False),
    "15": look(bbs(0, Reply.TIMEOUT, ready="Unknown"), bbs(1)),
    "16": look(bbs(0, containers=(container(waiting="CrashLoopBackOff"),)), bbs(1)),
    "17": look(bbs(0, age=MINUTE), bbs(1)),
    "18": look(bbs(0), pending(1, age=20 * MINUTE)),
    "19": hung(locket=locket("False")),
    "20": look(bbs(0, Reply.TIMEOUT), bbs(1), control="cluster DNS"),
    "21": look(bbs(0, Reply.TIMEOUT), bbs(1), control=""),
    "22": hung(cloud_controller=ReadyPods(0, 2)),
    "23": look(bbs(0, active=True), bbs(1)),
    "24": look(bbs(0, containers=()), bbs(1)),
    "25": hung(),
    "26": hung(database=Unknown("HTTP 500.")),
}
"""One look for each row."""

OTHER_NAMES = {
    Name.DNS_FAULT: look(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.DNS),
    Name.TERMINATING_STUCK: look(bbs(0, ends_at=ago(2 * MINUTE)), bbs(1)),
}
"""The diagnoses that share a row with the example above."""


@pytest.mark.parametrize("number", [number for number, _ in ROWS])
def test_every_row_can_decide(number: str) -> None:
    assert diagnose(EXAMPLES[number]).row == number


def test_every_diagnosis_can_be_reached() -> None:
    reached = {diagnose(seen).name for seen in (*EXAMPLES.values(), *OTHER_NAMES.values())}
    assert reached == set(Name)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_row_of_two_diagnoses_reaches_both(name: Name) -> None:
    assert diagnose(OTHER_NAMES[name]).name is name


def test_every_diagnosis_has_an_answer_about_a_restart() -> None:
    assert set(RESTART) == set(Name)


def test_only_no_active_bbs_passes_the_gate() -> None:
    assert [name for name, answer in RESTART.items() if answer is Restart.CURES] == [Name.NO_ACTIVE_BBS]
    assert Restart.CURES not in RESTART_BY_ROW.values()


def test_what_is_answered_by_row_is_a_row() -> None:
    assert set(RESTART_BY_ROW) <= {number for number, _ in ROWS}


@settings(max_examples=500)
@given(ANY_LOOK)
def test_the_judgement_is_total_and_deterministic(seen: Observation) -> None:
    found = diagnose(seen)
    assert found == diagnose(replace(seen))
    assert found.name in Name
    assert found.restart is RESTART_BY_ROW.get(found.row, RESTART[found.name])


@given(ANY_LOOK)
def test_every_diagnosis_comes_with_a_reason_and_evidence(seen: Observation) -> None:
    found = diagnose(seen)
    assert found.why
    assert found.evidence
    assert all(line.endswith(".") and "Unknown(" not in line for line in found.evidence)


@given(ANY_LOOK)
def test_a_restart_is_only_proposed_where_every_pod_was_asked_and_refused(seen: Observation) -> None:
    if diagnose(seen).restart is Restart.CURES:
        assert seen.known_pods
        assert {each.reply for each in seen.known_pods} == {Reply.REFUSED}
        assert len(seen.known_pods) == seen.desired


def curable() -> st.SearchStrategy[Observation]:
    """Looks of one to three pods that a restart cures."""
    return st.integers(1, 3).map(lambda count: look(*(bbs(each) for each in range(count))))


@given(curable())
def test_the_cure_is_proposed_for_the_looks_that_the_next_properties_spoil(seen: Observation) -> None:
    assert diagnose(seen).name is Name.NO_ACTIVE_BBS


@given(curable(), st.sampled_from(ACCEPTING), st.integers(0, 2), st.booleans())
def test_any_accept_on_any_pod_rules_the_cure_out(
    seen: Observation,
    reply: Reply,
    index: int,
    terminating: bool,  # noqa: FBT001 -- drawn
) -> None:
    pods = list(seen.known_pods)
    spoilt = pods[index % len(pods)]
    changed = replace(spoilt.pod, ends_at=looks.NOW + MINUTE) if terminating else spoilt.pod
    pods[index % len(pods)] = BbsPod(changed, spoilt.labelled_active, Probe(reply))
    assert diagnose(replace(seen, pods=tuple(pods))).name is not Name.NO_ACTIVE_BBS


@given(ANY_LOOK, st.sampled_from(ACCEPTING))
def test_an_accept_rules_the_cure_out_whatever_else_was_seen(seen: Observation, reply: Reply) -> None:
    pods = (*seen.known_pods, bbs(9, reply))
    assert diagnose(replace(seen, pods=pods)).restart is not Restart.CURES


@pytest.mark.parametrize("part", ["pods", "workloads", "steady", "service"])
@given(curable(), st.sampled_from(UNREAD))
def test_a_part_that_was_not_read_rules_the_cure_out(part: str, seen: Observation, unread: Any) -> None:
    spoilt: dict[str, Any] = {part: unread}
    assert diagnose(replace(seen, **spoilt)).name is Name.OBSERVER_FAULT


@pytest.mark.parametrize("part", ["database", "locket", "cloud_controller"])
@given(curable())
def test_an_optional_part_rules_the_cure_out_only_where_it_should_have_been_read(part: str, seen: Observation) -> None:
    unknown: dict[str, Any] = {part: Unknown("HTTP 403.")}
    left_out: dict[str, Any] = {part: NOT_CONFIGURED}
    assert diagnose(replace(seen, **unknown)).name is Name.OBSERVER_FAULT
    assert diagnose(replace(seen, **left_out)).name is Name.NO_ACTIVE_BBS


@given(curable(), st.sampled_from(UNREAD), st.integers(0, 2))
def test_a_pod_that_was_not_asked_rules_the_cure_out(seen: Observation, unread: Any, index: int) -> None:
    pods = list(seen.known_pods)
    pods[index % len(pods)] = replace(pods[index % len(pods)], probe=unread)
    assert diagnose(replace(seen, pods=tuple(pods))).name is Name.OBSERVER_FAULT


@given(ANY_LOOK)
def test_the_order_in_which_pods_are_listed_does_not_matter(seen: Observation) -> None:
    reversed_ = replace(seen, pods=tuple(reversed(seen.known_pods))) if isinstance(seen.pods, tuple) else seen
    assert (diagnose(reversed_).row, diagnose(reversed_).name) == (diagnose(seen).row, diagnose(seen).name)


def test_the_names_of_many_pods_stay_one_readable_line() -> None:
    seen = look(
        *(bbs(each, Reply.TLS) for each in range(1)),
        *(bbs(each, Reply.TLS, ends_at=looks.NOW) for each in range(1, 150)),
    )
    assert "diego-api-0, diego-api-1, diego-api-2 and 147 more" in diagnose(seen).why
