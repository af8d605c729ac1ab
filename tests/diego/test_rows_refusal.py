"""Rows 19 to 26 of docs/diagnosis.md: nobody listens, and the question is why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Locket, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.profiles import ReadinessMeaning
from tests.diego.judging import ACCEPTING, MINUTE, NO_ACTIVE_BBS, NOT_READY, SECOND, SIDECAR, judged, row
from tests.diego.observations import NOW, ago, bbs, container, hung, locket, observation

# Row 19


@pytest.mark.parametrize("broken", [locket(), locket("False"), locket("True", replicas=2), locket(replicas=0)])
def test_a_locket_of_its_own_that_is_not_all_ready_is_down(broken: object) -> None:
    assert judged(replace(hung(), locket=broken)) == row("19", Condition.LOCKET_DOWN, Restart.NEVER)  # type: ignore[arg-type]


LOCKET_DOWN = row("19", Condition.LOCKET_DOWN, Restart.NEVER)
LOCKET_SETTLES = row("19", Condition.LOCKET_DOWN, Restart.NOT_YET)


def one_locket_of_two(**changes: Any) -> Locket:
    """Locket's own StatefulSet, whole but for one pod."""
    found = locket("True", "False", replicas=2)
    own = tuple(replace(each, owner="diego-locket", containers=(container("diego-locket"),)) for each in found.pods)
    unready = (container("diego-locket", ready=False),)
    return replace(found, pods=(own[0], replace(own[1], **{"containers": unready, **changes})))


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"ends_at": NOW}, MINUTE + SECOND),
        ({}, 5 * MINUTE),
        ({"containers": (container("diego-locket", ready=False, started_at=None),)}, 5 * MINUTE),
        ({"phase": "Pending", "ip": None, "containers": ()}, 10 * MINUTE),
        ({"phase": "Failed", "reason": "Evicted"}, 5 * MINUTE),
    ],
    ids=["terminating", "running", "not running", "pending", "ended"],
)
def test_locket_is_on_its_way_for_as_long_as_a_bbs_pod_would_be(changes: dict[str, Any], limit: timedelta) -> None:
    seen = hung(locket=one_locket_of_two(created=NOW, **changes))
    assert judged(replace(seen, taken_at=NOW + limit - SECOND)) == LOCKET_SETTLES
    assert judged(replace(seen, taken_at=NOW + limit)) == LOCKET_DOWN


def test_a_locket_container_that_has_started_anew_is_on_its_way() -> None:
    young = container("diego-locket", ready=False, age=5 * MINUTE - SECOND)
    assert judged(hung(locket=one_locket_of_two(containers=(young,)))) == LOCKET_SETTLES


def test_a_locket_pod_that_is_on_its_way_does_not_hide_one_that_is_not() -> None:
    found = one_locket_of_two(created=ago(MINUTE))
    broken = replace(found.pods[0], ready="False", containers=(container("diego-locket", ready=False),))
    seen = hung(locket=replace(found, pods=(found.pods[1], broken)))
    assert judged(seen) == LOCKET_DOWN
    assert diagnose(seen).next == "kubectl describe pod -n cf diego-locket-0"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generation": 5}, "StatefulSet diego-locket has a change that its controller has not seen yet."),
        ({"update_revision": "diego-locket-new"}, "Still of an older revision of StatefulSet diego-locket: diego-"),
    ],
)
def test_locket_that_is_being_changed_is_on_its_way(change: dict[str, Any], said: str) -> None:
    found = one_locket_of_two()
    seen = hung(locket=replace(found, workload=replace(found.workload, **change)))
    assert judged(seen) == LOCKET_SETTLES
    assert said in diagnose(seen).why


@pytest.mark.parametrize("kept", [{"update_strategy": "OnDelete"}, {"partition": 1}, {"replicas": 0, "generation": 5}])
def test_locket_that_is_left_as_it_is_on_purpose_is_not(kept: dict[str, Any]) -> None:
    found = one_locket_of_two()
    changed = replace(found.workload, **{"update_revision": "diego-locket-new", **kept})
    pods = found.pods if changed.replicas else found.pods[1:]
    assert judged(hung(locket=Locket(changed, pods))) == LOCKET_DOWN


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "diego-locket-1 is Running, and not ready."),
        ({"phase": "Failed", "reason": "Evicted"}, "diego-locket-1 is Evicted."),
        ({"phase": "Pending", "ip": None, "containers": ()}, "diego-locket-1 is Pending."),
    ],
)
def test_what_keeps_locket_from_being_whole_is_named(changes: dict[str, Any], said: str) -> None:
    found = diagnose(hung(locket=one_locket_of_two(**changes)))
    assert found.why == f"Locket is ready in 1 of 2 pods of StatefulSet diego-locket: {said}"
    assert found.next == "kubectl describe pod -n cf diego-locket-1"


def test_a_locket_pod_that_does_not_end_is_its_nodes() -> None:
    found = diagnose(hung(locket=one_locket_of_two(ends_at=ago(61 * SECOND))))
    assert "diego-locket-1 on node node-1 should have ended at 11:58:59 UTC" in found.why
    assert found.next == "kubectl describe node node-1"


def test_of_a_locket_pod_that_is_missing_its_statefulset_tells() -> None:
    found = diagnose(hung(locket=locket("True", replicas=2)))
    assert found.why == "Locket is ready in 1 of 2 pods of StatefulSet diego-locket."
    assert found.next == "kubectl describe statefulset -n cf diego-locket"


def test_a_locket_of_its_own_that_is_ready_and_hangs_is_cured_by_a_restart() -> None:
    assert judged(hung(locket=locket("True"))) == NO_ACTIVE_BBS


# Rows 20 and 21


@pytest.mark.parametrize("other", [Reply.REFUSED, Reply.TIMEOUT])
def test_a_silent_pod_beside_a_control_that_answers_is_a_network_fault(other: Reply) -> None:
    seen = observation(bbs(0, Reply.TIMEOUT), bbs(1, other), control="port 8891 of diego-api-0")
    assert judged(seen) == row("20", Condition.NETWORK_FAULT, Restart.NEVER)


@pytest.mark.parametrize("control", ["", NOT_CONFIGURED, Unknown("No time left.")])
def test_a_silent_pod_without_a_control_that_answers_is_the_observers_fault(control: object) -> None:
    seen = observation(bbs(0, Reply.TIMEOUT), bbs(1, Reply.TIMEOUT), control=control)
    assert judged(seen) == row("21", Condition.OBSERVER_FAULT, Restart.NOT_YET)


@pytest.mark.parametrize(
    ("control", "said"),
    [("", "and neither can anything else that we tried."), (NOT_CONFIGURED, "and nothing else was tried")],
)
def test_whether_anything_else_was_tried_is_said(control: object, said: str) -> None:
    assert said in diagnose(observation(bbs(0, Reply.TIMEOUT), control=control)).why


@pytest.mark.parametrize("control", ["", NOT_CONFIGURED, Unknown("No time left.")])
def test_a_refusal_is_a_control(control: object) -> None:
    seen = observation(bbs(0), bbs(1, Reply.TIMEOUT), control=control)
    assert judged(seen) == row("20", Condition.NETWORK_FAULT, Restart.NEVER)
    assert diagnose(seen).why == "diego-api-1 can't be reached on port 8889, though diego-api-0 can (it refuses)."


# Rows 22 to 26


def test_no_ready_cloud_controller_is_a_wider_fault() -> None:
    assert judged(hung(cloud_controller=ReadyPods(0, 2))) == row("22", Condition.CLOUD_CONTROLLER_DOWN, Restart.NEVER)


def test_a_selector_that_finds_no_cloud_controller_is_no_wider_fault_and_is_said() -> None:
    seen = hung(cloud_controller=ReadyPods(0, 0))
    assert judged(seen) == NO_ACTIVE_BBS
    assert "Cloud Controller: its selector finds no pod." in diagnose(seen).evidence


@pytest.mark.parametrize("ready", [ReadyPods(1, 2), NOT_CONFIGURED])
def test_one_ready_cloud_controller_is_enough(ready: object) -> None:
    assert judged(replace(hung(), cloud_controller=ready)) == NO_ACTIVE_BBS  # type: ignore[arg-type]


def test_a_ready_pod_that_is_labelled_active_and_refuses_contradicts_us() -> None:
    seen = observation(bbs(0, active=True), bbs(1))
    assert judged(seen) == row("23", Condition.LABEL_CONTRADICTS, Restart.NEVER)


@pytest.mark.parametrize("ready", ["False", "Unknown", None])
def test_the_label_of_a_pod_that_is_not_ready_says_nothing(ready: str | None) -> None:
    assert judged(observation(bbs(0, active=True, ready=ready), bbs(1))) == NO_ACTIVE_BBS


@pytest.mark.parametrize("readiness", ReadinessMeaning)
def test_a_bbs_container_that_runs_and_is_not_ready_is_no_reason(readiness: ReadinessMeaning) -> None:
    """From SCF 2.16.1 on the BBS that was active last is not ready in the very fault that a restart cures."""
    seen = observation(bbs(0, ready="False", containers=(NOT_READY, SIDECAR)), bbs(1), readiness=readiness)
    assert judged(replace(seen, bbs_container="diego-api")) == NO_ACTIVE_BBS


def test_a_container_that_has_run_for_less_than_the_patience_is_starting_also_where_it_is_not_ready() -> None:
    young = replace(NOT_READY, started_at=ago(MINUTE))
    seen = observation(bbs(0, containers=(young, SIDECAR)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == row("17", Condition.STARTING, Restart.NOT_YET)


def test_a_sidecar_that_is_not_ready_or_does_not_run_forbids_nothing() -> None:
    sidecar = replace(SIDECAR, ready=False, started_at=None, waiting="CrashLoopBackOff", restarts=9)
    seen = observation(bbs(0, containers=(container(), sidecar)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == NO_ACTIVE_BBS


def test_where_no_container_has_the_name_all_of_them_count_and_the_evidence_says_so() -> None:
    other = (container("bbs"), container("agent", waiting="CrashLoopBackOff", started_at=None, ready=False))
    found = diagnose(observation(bbs(0, containers=other), bbs(1), bbs_container="diego-api"))
    assert (found.row, found.name) == ("16", Condition.CRASH_LOOPING)
    assert "No container of diego-api-0 is called diego-api: all of them count." in found.evidence


# Row 24: no label, no witness

UNLABELLED = (bbs(0, active=None), bbs(1, active=None))


@pytest.mark.parametrize("witness", ["diego-api-0 accepted at 2026-11-23 11:00:00 UTC", "port 8890 of diego-api-1"])
def test_without_a_label_a_refusal_needs_a_witness(witness: str) -> None:
    assert judged(observation(*UNLABELLED, witness=witness)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("witness", ["", NOT_CONFIGURED])
def test_without_label_and_witness_a_firewall_looks_the_same(witness: object) -> None:
    seen = observation(*UNLABELLED, witness=witness)
    assert judged(seen) == row("24", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert "a firewall that rejects us looks the same" in diagnose(seen).why
    assert "port 8890 of no pod accepts" in diagnose(seen).why


def test_a_witness_that_could_not_be_asked_is_asked_again() -> None:
    seen = observation(*UNLABELLED, witness=Unknown("No time left.", "timeout"))
    assert judged(seen) == row("24", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_where_the_platform_sets_a_label_no_witness_is_needed() -> None:
    assert judged(hung(witness="")) == NO_ACTIVE_BBS


# Row 25


def test_pods_may_be_counted_from_any_ordinal() -> None:
    """`spec.ordinals.start` of a StatefulSet."""
    assert judged(observation(bbs(5), bbs(6))) == NO_ACTIVE_BBS


def test_the_sentence_counts_the_pods() -> None:
    said = [diagnose(observation(*(bbs(each) for each in range(count)))).why for count in (1, 2, 3)]
    assert said == [
        "The BBS pod is Running but refuses connections on 8889: no active BBS.",
        "Both BBS pods are Running but refuse connections on 8889: no active BBS.",
        "All 3 BBS pods are Running but refuse connections on 8889: no active BBS.",
    ]


@pytest.mark.parametrize("service", [Reply.REFUSED, Reply.TIMEOUT, Reply.DNS])
@pytest.mark.parametrize("pods", [1, 2, 3])
def test_pods_that_all_refuse_have_no_active_bbs_however_the_service_fails(service: Reply, pods: int) -> None:
    assert judged(observation(*(bbs(each) for each in range(pods)), service=service)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("part", ["database", "locket", "cloud_controller"])
def test_a_part_that_could_not_be_read_forbids_the_cure(part: str) -> None:
    found = diagnose(replace(hung(), **{part: Unknown("HTTP 403.")}))  # type: ignore[arg-type]
    assert (found.row, found.name, found.restart) == ("26", Condition.OBSERVER_FAULT, Restart.NOT_YET)
    assert "HTTP 403." in found.why


@pytest.mark.parametrize("service", [each for each in ACCEPTING if each is not Reply.OK])
def test_a_service_behind_which_somebody_listens_forbids_the_cure(service: Reply) -> None:
    found = diagnose(hung(service=Probe(service)))
    assert (found.row, found.name, found.restart) == ("26", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert found.why == f"Every pod refuses, but something behind the Service listens ({service})."
