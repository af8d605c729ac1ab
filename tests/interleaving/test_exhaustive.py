"""No order of requests, crashes, lost answers, stalls and changes of the cluster breaks what 0001-safety.md claims.

The search asserts the invariants itself (`cluster.apply`, `cluster.judge_sent`). The tests here start it, and see to it
that it has been where it matters: a search that deletes nothing proves nothing.
"""

from collections.abc import Callable
from functools import cache

import pytest

from remediator.remediation import Phase
from tests.interleaving.cluster import REQUEST, is_open, name_of, status_of
from tests.interleaving.scenarios import ONE, SCENARIOS, ZERO

BOTH = {ZERO.uid, ONE.uid}
explored = cache(lambda name: SCENARIOS[name].explore())


# Ten seconds of computing and more, each: they run in CI and by `make prove`.
DEEP = {
    "Locket and the BBS, and a crash",
    "a lost answer and a crash",
    "a pod serves silently while time passes",
    "some observations can't tell",
}
NAMES = [pytest.param(name, marks=pytest.mark.deep) if name in DEEP else name for name in SCENARIOS]


@pytest.mark.parametrize("name", NAMES)
def test_no_schedule_breaks_an_invariant(name: str, record_property: Callable[[str, object], None]) -> None:
    found = explored(name)
    record_property("schedules", found.schedules)
    record_property("states", found.states)
    record_property("crash points", len(found.crash_points))
    assert found.schedules >= len(found.ends) > 0


def test_without_faults_every_schedule_restarts_both_pods_once() -> None:
    ends = explored("two replicas").ends
    assert {frozenset(end.terminated) for end in ends} == {frozenset(BOTH)}
    assert all(len(end.terminated) == 2 for end in ends)


def test_after_a_crash_anywhere_the_others_finish_the_same_plan() -> None:
    """Also where the only replica crashes twice and starts again: seven steps are enough in every schedule."""
    for name in ("one crash", "two crashes of one replica"):
        assert {frozenset(end.terminated) for end in explored(name).ends} == {frozenset(BOTH)}


def test_the_crashes_have_hit_every_request_that_a_replica_makes() -> None:
    assert explored("one crash").crash_points == {
        "LOOK",
        "ALERTS",
        "GET /apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations/diego-api-r1",
        "GET /api/v1/namespaces/cf/configmaps/stagekeeper-pause",
        "PUT /apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations/diego-api-r1/status",
        "DELETE /api/v1/namespaces/cf/pods/diego-api-0",
        "DELETE /api/v1/namespaces/cf/pods/diego-api-1",
    }


def test_a_pod_that_serves_in_time_saves_itself_and_the_rest() -> None:
    terminated = {frozenset(end.terminated) for end in explored("a pod serves").ends}
    assert terminated == {frozenset(), frozenset({ZERO.uid}), frozenset(BOTH)}


def test_a_replaced_pod_is_left_alone_and_the_plan_goes_on_with_the_other() -> None:
    ends = explored("a pod is replaced").ends
    assert all(set(end.terminated) <= BOTH for end in ends)
    assert frozenset({ONE.uid}) in {frozenset(end.terminated) for end in ends}


def test_a_stall_ends_in_no_delete_by_what_was_seen_before_it() -> None:
    assert any(not end.terminated and end.now for end in explored("a stall of an hour").ends)


def test_a_pause_stops_the_plan_and_its_end_lets_it_go_on() -> None:
    ends = explored("somebody pauses and resumes").ends
    assert {len(end.terminated) for end in ends} == {0, 1, 2}
    assert BOTH in [set(end.terminated) for end in ends if not end.paused]


def test_locket_and_the_bbs_are_restarted_together_locket_first() -> None:
    """Locket alone, back again, lets a passive BBS take the lock on dead connections: measured, 2 of 2."""
    assert {end.terminated for end in explored("Locket and the BBS").ends} == {("diego-locket-0/0", "diego-api-0/0")}
    assert all(
        end.terminated[:1] in {(), ("diego-locket-0/0",)} for end in explored("Locket and the BBS while pods end").ends
    )


def test_a_503_of_a_planned_pod_does_not_stop_the_plan() -> None:
    assert {frozenset(end.terminated) for end in explored("a planned pod hangs with 503").ends} == {frozenset(BOTH)}


def test_a_database_that_is_down_holds_the_next_delete() -> None:
    assert {len(end.terminated) for end in explored("the database goes down").ends} == {0, 1, 2}


def test_whatever_the_webhooks_do_there_is_one_open_record_at_most() -> None:
    for name in ("three webhooks at once", "webhooks, a lost answer, a crash"):
        assert {len(end.records) for end in explored(name).ends} == {1}
    ends = explored("webhooks while the remediation ends").ends
    assert {sum(is_open(each) for each in end.records) for end in ends} == {0, 1}
    assert max(len(end.records) for end in ends) > 1


def test_what_a_person_asks_is_opened_once_and_makes_room_for_the_next() -> None:
    assert {len(end.records) for end in explored("a person asks, and three take it up").ends} == {1}
    ends = (
        explored("a person asks, a lost answer, a crash").ends
        | explored("a person asks, and what was opened for it ends").ends
    )
    assert all(sum(name_of(each) != REQUEST for each in end.records) <= 2 for end in ends)
    assert any(not is_open(each) for end in ends for each in end.records if name_of(each) != REQUEST)


def test_resolved_ends_nothing_once_a_plan_is_written() -> None:
    for end in explored("the alert is resolved").ends:
        phase = status_of(end.records[0])["phase"]
        assert phase == Phase.ESCALATED or set(end.terminated) == BOTH
