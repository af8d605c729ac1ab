"""What holds for the judgement whatever an observation holds, and that every diagnosis can be reached."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stagekeeper.diego.conditions import kind
from stagekeeper.diego.diagnosis import RESTART, ROWS, Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.kube.objects import Endpoints
from tests.diego import observations
from tests.diego.any_observation import ANY_OBSERVATION
from tests.diego.observations import ago, bbs, container, healthy, hung, locket, observation, pending, workload

MINUTE = timedelta(minutes=1)
ACCEPTING = [reply for reply in Reply if reply.accepted]
UNREAD = [Unknown("HTTP 500."), NOT_CONFIGURED]

EXAMPLES: dict[str, Observation] = {
    "1": observation(workloads=()),
    "2": observation(bbs(0, Reply.OK), bbs(1, Reply.OK)),
    "3": healthy(),
    "3a": observation(bbs(0, Reply.OK, ends_at=observations.NOW), bbs(1)),
    "3b": observation(bbs(0, Reply.OK, active=True), bbs(1), endpoints=Endpoints(0, 0)),
    "4": observation(bbs(0, Reply.OK), bbs(1)),
    "5": observation(bbs(0, Reply.OK, active=True), bbs(1)),
    "6": hung(service=Probe(Reply.OK)),
    "7": observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1)),
    "7b": observation(bbs(0, Reply.UNAVAILABLE), bbs(1)),
    "7c": observation(bbs(0, Reply.CERTIFICATE_REFUSED), bbs(1)),
    "8": observation(bbs(0, Reply.TLS), bbs(1)),
    "8b": observation(bbs(0, Reply.CLOSED), bbs(1)),
    "9": observation(bbs(0, Reply.NO_REPLY), bbs(1)),
    "10": hung(steady=False),
    "10b": hung(workloads=()),
    "11": observation(workloads=(workload(replicas=0),)),
    "12": observation(bbs(0, ends_at=observations.NOW), bbs(1)),
    "13": hung(workloads=(workload(generation=5),)),
    "14": hung(database=False),
    "15": observation(bbs(0, Reply.TIMEOUT, ready="Unknown"), bbs(1)),
    "16": observation(bbs(0, containers=(container(waiting="CrashLoopBackOff"),)), bbs(1)),
    "17": observation(bbs(0, age=MINUTE), bbs(1)),
    "18": observation(bbs(0), pending(1, age=20 * MINUTE)),
    "19": hung(locket=locket("False")),
    "20": observation(bbs(0, Reply.TIMEOUT), bbs(1), control="cluster DNS"),
    "21": observation(bbs(0, Reply.TIMEOUT), bbs(1, Reply.TIMEOUT), control=""),
    "22": hung(cloud_controller=ReadyPods(0, 2)),
    "23": observation(bbs(0, active=True), bbs(1)),
    "24": observation(bbs(0, active=None), bbs(1, active=None), witness=""),
    "25": hung(),
    "26": hung(database=Unknown("HTTP 500.")),
}
"""One observation for each row."""

WHY: dict[str, str] = yaml.safe_load(Path(__file__).with_name("why.yaml").read_text(encoding="utf-8"))
"""The sentence of each of them."""

OTHER_EXAMPLES: list[Observation] = [
    observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.DNS),
    observation(bbs(0, ends_at=ago(2 * MINUTE)), bbs(1)),
    observation(bbs(0, Reply.TIMEOUT, ready="Unknown", ends_at=observations.NOW), bbs(1)),
    observation(bbs(0, Reply.OK, ends_at=ago(2 * MINUTE)), bbs(1)),
    observation(bbs(0, Probe(Reply.OK, by_tcp=True)), bbs(1)),
    observation(bbs(0, Reply.UNAVAILABLE, age=61 * MINUTE), bbs(1)),
    hung(service=Probe(Reply.BAD_REPLY)),
    hung(locket=replace(locket(), workload=workload("diego-locket", generation=5))),
]
"""The other diagnoses and answers of rows that have two."""


@pytest.mark.parametrize("number", [number for number, _ in ROWS])
def test_every_row_can_decide(number: str) -> None:
    found = diagnose(EXAMPLES[number])
    assert (found.row, found.why) == (number, WHY[number])


def test_every_diagnosis_can_be_reached() -> None:
    reached = {diagnose(seen).name for seen in (*EXAMPLES.values(), *OTHER_EXAMPLES)}
    assert reached == set(Condition)


def test_every_diagnosis_has_an_answer_about_a_restart() -> None:
    assert set(RESTART) == set(Condition)


def test_only_no_active_bbs_passes_the_gate() -> None:
    assert [name for name, answer in RESTART.items() if answer is Restart.CURES] == [Condition.NO_ACTIVE_BBS]


@settings(max_examples=500)
@given(ANY_OBSERVATION)
def test_no_row_of_another_condition_passes_the_gate(seen: Observation) -> None:
    assert (diagnose(seen).restart is Restart.CURES) == (diagnose(seen).name is Condition.NO_ACTIVE_BBS)


@settings(max_examples=500)
@given(ANY_OBSERVATION)
def test_the_judgement_is_total_and_deterministic(seen: Observation) -> None:
    found = diagnose(seen)
    assert found == diagnose(replace(seen))
    assert found.name in Condition
    answered_otherwise = found.row in {"3b", "6", "7b", "7c", "10b", "19", "24"}
    assert answered_otherwise or found.restart is RESTART[found.name]


@given(ANY_OBSERVATION)
def test_every_diagnosis_comes_with_a_reason_and_evidence(seen: Observation) -> None:
    found = diagnose(seen)
    assert found.why
    assert found.evidence
    assert all(line.endswith(".") and "Unknown(" not in line for line in found.evidence)


@given(ANY_OBSERVATION)
def test_a_restart_is_only_proposed_where_every_pod_was_asked_and_refused(seen: Observation) -> None:
    if diagnose(seen).restart is Restart.CURES:
        assert seen.known_pods
        assert {each.reply for each in seen.known_pods} == {Reply.REFUSED}
        assert len(seen.known_pods) == seen.desired


def curable() -> st.SearchStrategy[Observation]:
    """Looks of one to three pods that a restart cures."""
    return st.integers(1, 3).map(lambda count: observation(*(bbs(each) for each in range(count))))


@given(curable())
def test_the_cure_is_proposed_for_the_observations_that_the_next_properties_spoil(seen: Observation) -> None:
    assert diagnose(seen).name is Condition.NO_ACTIVE_BBS


@given(curable(), st.sampled_from(ACCEPTING), st.integers(0, 2), st.booleans())
def test_any_accept_on_any_pod_rules_the_cure_out(
    seen: Observation,
    reply: Reply,
    index: int,
    terminating: bool,  # noqa: FBT001 -- drawn
) -> None:
    pods = list(seen.known_pods)
    spoilt = pods[index % len(pods)]
    changed = replace(spoilt.pod, ends_at=observations.NOW + MINUTE) if terminating else spoilt.pod
    pods[index % len(pods)] = BbsPod(changed, spoilt.labelled_active, Probe(reply))
    assert diagnose(replace(seen, pods=tuple(pods))).name is not Condition.NO_ACTIVE_BBS


@given(ANY_OBSERVATION, st.sampled_from(ACCEPTING))
def test_an_accept_rules_the_cure_out_whatever_else_was_seen(seen: Observation, reply: Reply) -> None:
    pods = (*seen.known_pods, bbs(9, reply))
    assert diagnose(replace(seen, pods=pods)).restart is not Restart.CURES


@pytest.mark.parametrize("part", ["pods", "workloads", "steady", "service"])
@given(curable(), st.sampled_from(UNREAD))
def test_a_part_that_was_not_read_rules_the_cure_out(part: str, seen: Observation, unread: Any) -> None:
    spoilt: dict[str, Any] = {part: unread}
    assert diagnose(replace(seen, **spoilt)).name is Condition.OBSERVER_FAULT


@pytest.mark.parametrize("part", ["database", "locket", "cloud_controller"])
@given(curable())
def test_an_optional_part_rules_the_cure_out_only_where_it_should_have_been_read(part: str, seen: Observation) -> None:
    unknown: dict[str, Any] = {part: Unknown("HTTP 403.")}
    left_out: dict[str, Any] = {part: NOT_CONFIGURED}
    assert diagnose(replace(seen, **unknown)).name is Condition.OBSERVER_FAULT
    assert diagnose(replace(seen, **left_out)).name is Condition.NO_ACTIVE_BBS


@given(curable(), st.sampled_from(UNREAD), st.integers(0, 2))
def test_a_pod_that_was_not_asked_rules_the_cure_out(seen: Observation, unread: Any, index: int) -> None:
    pods = list(seen.known_pods)
    pods[index % len(pods)] = replace(pods[index % len(pods)], probe=unread)
    assert diagnose(replace(seen, pods=tuple(pods))).name is Condition.OBSERVER_FAULT


@given(ANY_OBSERVATION)
def test_the_order_in_which_pods_are_listed_does_not_matter(seen: Observation) -> None:
    reversed_ = replace(seen, pods=tuple(reversed(seen.known_pods))) if isinstance(seen.pods, tuple) else seen
    assert (diagnose(reversed_).row, diagnose(reversed_).name) == (diagnose(seen).row, diagnose(seen).name)


def test_a_condition_stands_out_by_whether_it_is_good_may_pass_or_is_bad() -> None:
    shown = (Condition.SERVING, Condition.NOT_APPLICABLE, Condition.ROLLING_OUT, Condition.NO_ACTIVE_BBS)
    assert [kind(each) for each in shown] == ["good", "none", "wait", "bad"]


def test_the_names_of_many_pods_stay_one_readable_line() -> None:
    seen = observation(*(bbs(each, Reply.TLS) for each in range(150)))
    assert "diego-api-0, diego-api-1, diego-api-2 and 147 more" in diagnose(seen).why


@pytest.mark.parametrize("number", EXAMPLES)
def test_a_sentence_does_not_change_while_what_is_seen_does_not(number: str) -> None:
    """Records and logs are written when an answer changes: no sentence may count seconds or minutes."""
    seen = EXAMPLES[number]
    later = replace(seen, taken_at=seen.taken_at + timedelta(seconds=61))
    if (diagnose(later).row, diagnose(later).name) == (number, diagnose(seen).name):
        assert diagnose(later).why == diagnose(seen).why
