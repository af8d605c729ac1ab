"""Rows 10 to 18 of docs/diagnosis.md: what the workload and its pods say. Each condition and each boundary."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import MISSING, NOT_CONFIGURED, Observation, Reply, Unknown
from stagekeeper.diego.profiles import Patience
from stagekeeper.kube.pod_status import status
from tests.diego.judging import MINUTE, NO_ACTIVE_BBS, NOT_READY, SECOND, SIDECAR, judged, row
from tests.diego.observations import ago, bbs, container, hung, locket, observation, pending, pod, workload

NOT_STARTED = container(ready=False, started_at=None)

# Row 10


@pytest.mark.parametrize(
    "unread",
    [
        {"pods": Unknown("HTTP 403.")},
        {"pods": NOT_CONFIGURED},
        {"workloads": Unknown("HTTP 500.")},
        {"workloads": NOT_CONFIGURED},
        {"steady": Unknown("No answer.")},
        {"steady": NOT_CONFIGURED},
        {"steady": False},
        {"service": Unknown("No descriptors left.")},
    ],
)
def test_what_could_not_be_read_is_the_observers_fault(unread: dict[str, object]) -> None:
    assert judged(replace(hung(), **unread)) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ({"pods": Unknown("HTTP 403.")}, "The pods could not be read: HTTP 403."),
        ({"workloads": Unknown("HTTP 500.")}, "The StatefulSet could not be read: HTTP 500."),
        ({"steady": Unknown("No answer.")}, "The second list could not be read: No answer."),
        ({"steady": NOT_CONFIGURED}, "The second list could not be read: it was not looked at."),
        ({"steady": False}, "The pods changed during the check."),
        ({"service": Unknown("No time.")}, "The Service could not be probed: No time."),
    ],
)
def test_what_could_not_be_read_is_named(unread: dict[str, object], said: str) -> None:
    assert diagnose(replace(hung(), **unread)).why == said  # type: ignore[arg-type]


def test_a_pod_with_an_address_that_could_not_be_probed_is_the_observers_fault() -> None:
    seen = observation(bbs(0), bbs(1, Unknown("No descriptors left.")))
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_that_lockets_statefulset_does_not_exist_is_for_a_person_to_change() -> None:
    """What could not be read may be read at the next observation; this was read."""
    found = diagnose(hung(locket=Unknown("There is no StatefulSet locket.", MISSING)))
    assert (found.row, found.name, found.restart) == ("10b", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert found.why == "There is no StatefulSet locket."
    assert found.next == "kubectl get statefulsets,pods,services -n cf --show-labels"
    assert judged(hung(locket=Unknown("HTTP 403.", "forbidden"))) == row(
        "26", Condition.OBSERVER_FAULT, Restart.NOT_YET
    )


# Rows 11 to 13


def test_a_workload_of_no_replicas_is_scaled_down() -> None:
    assert judged(observation(workloads=(workload(replicas=0),))) == row("11", Condition.SCALED_DOWN, Restart.NEVER)


def test_one_zone_of_no_replicas_beside_another_is_not_scaled_down() -> None:
    zones = (workload("diego-api-z0", replicas=0), workload("diego-api-z1", replicas=2))
    assert judged(hung(workloads=zones)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("ends", [-600 * SECOND, 0 * SECOND, 60 * SECOND])
def test_a_pod_that_is_terminating_is_a_roll_out_until_a_minute_past_its_grace(ends: timedelta) -> None:
    seen = observation(bbs(0, ends_at=ago(ends)), bbs(1))
    assert judged(seen) == row("12", Condition.ROLLING_OUT, Restart.NOT_YET)


def test_a_pod_that_is_deleted_with_its_node_lost_is_no_roll_out() -> None:
    found = diagnose(observation(bbs(0, Reply.TIMEOUT, ready="Unknown", ends_at=ago(0 * SECOND)), bbs(1)))
    assert (found.row, found.name, found.restart) == ("12", Condition.NODE_DOWN, Restart.NOT_YET)
    assert found.why == "diego-api-0 can't be reached, and its node (node-0) has stopped reporting."
    assert found.next == "kubectl describe node node-0"


def test_a_pod_that_is_terminating_a_minute_past_its_grace_is_stuck() -> None:
    found = diagnose(observation(bbs(0), bbs(1, ends_at=ago(61 * SECOND))))
    assert (found.row, found.name, found.restart) == ("12", Condition.TERMINATING_STUCK, Restart.NEVER)
    assert found.why == (
        "diego-api-1 on node node-1 should have ended at 11:58:59 UTC and is still Terminating: look at its node; do "
        "not force it, the old process may live on."
    )
    assert found.next == "kubectl describe node node-1"


def test_a_finalizer_that_keeps_a_pod_is_not_blamed_on_the_node() -> None:
    ended = container(started_at=None, ready=False, ended="Completed", exit_code=0)
    kept = bbs(
        1,
        NOT_CONFIGURED,
        phase="Succeeded",
        ends_at=ago(61 * SECOND),
        containers=(ended,),
        finalizers=("example.com/keep",),
    )
    found = diagnose(observation(bbs(0), kept))
    assert (found.row, found.name) == ("12", Condition.TERMINATING_STUCK)
    assert found.why.endswith("Its containers have: the finalizer example.com/keep keeps it.")
    assert found.next == "kubectl get pod -n cf diego-api-1 -o jsonpath='{.metadata.finalizers}'"


def test_more_pods_than_replicas_are_a_roll_out() -> None:
    seen = hung(workloads=(workload(replicas=1),))
    assert judged(seen) == row("12", Condition.ROLLING_OUT, Restart.NOT_YET)


def test_a_generation_that_nobody_has_observed_is_a_roll_out() -> None:
    seen = hung(workloads=(workload(generation=5),))
    assert judged(seen) == row("13", Condition.ROLLING_OUT, Restart.NOT_YET)


def test_a_pod_of_an_older_revision_is_a_roll_out() -> None:
    seen = hung(workloads=(workload(update_revision="diego-api-new"),))
    assert judged(seen) == row("13", Condition.ROLLING_OUT, Restart.NOT_YET)


@pytest.mark.parametrize(
    ("waiting", "next_command"),
    [
        ("CrashLoopBackOff", "kubectl logs -n cf diego-api-1 -c diego-api --previous --tail=50"),
        ("ImagePullBackOff", "kubectl describe pod -n cf diego-api-1"),
    ],
)
def test_a_roll_out_whose_new_pod_loops_says_so(waiting: str, next_command: str) -> None:
    new = {"controller-revision-hash": "diego-api-new"}
    loops = bbs(1, labels=new, containers=(container(waiting=waiting, ready=False, started_at=None), SIDECAR))
    found = diagnose(observation(bbs(0), loops, workloads=(workload(update_revision="diego-api-new"),)))
    assert (found.row, found.name, found.restart) == ("13", Condition.ROLLING_OUT, Restart.NOT_YET)
    assert found.why == (
        "Still of an older revision of StatefulSet diego-api: diego-api-0. "
        f"Container diego-api of diego-api-1 is in {waiting}."
    )
    assert found.next == next_command


def test_a_loop_that_the_roll_out_will_end_is_not_its_own() -> None:
    old = bbs(1, containers=(container(waiting="CrashLoopBackOff", ready=False, started_at=None), SIDECAR))
    found = diagnose(observation(bbs(0), old, workloads=(workload(update_revision="diego-api-new"),)))
    assert (found.row, found.next) == ("13", "")


@pytest.mark.parametrize("kept", [{"update_strategy": "OnDelete"}, {"partition": 1}])
def test_pods_that_are_left_behind_on_purpose_are_no_roll_out(kept: dict[str, Any]) -> None:
    seen = hung(workloads=(workload(update_revision="diego-api-new", **kept),))
    assert judged(seen) == NO_ACTIVE_BBS


def test_each_pod_is_compared_with_the_revision_of_its_own_workload() -> None:
    zones = (workload("z0", replicas=1, update_revision="z0-a"), workload("z1", replicas=1, update_revision="z1-b"))
    first = bbs(0, owner="z0", labels={"controller-revision-hash": "z0-a"})
    second = bbs(1, owner="z1", labels={"controller-revision-hash": "z1-b"})
    assert judged(observation(first, second, workloads=zones)) == NO_ACTIVE_BBS


# Rows 14 to 16


def test_a_database_that_fails_its_check_is_down() -> None:
    assert judged(hung(database=False)) == row("14", Condition.DATABASE_DOWN, Restart.NOT_YET)


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_silent_pod_that_only_the_node_controller_calls_unready_has_lost_its_node(ready: str) -> None:
    seen = observation(bbs(0, Reply.TIMEOUT, ready=ready), bbs(1))
    assert judged(seen) == row("15", Condition.NODE_DOWN, Restart.NOT_YET)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("node-0", "their node (node-0) has"),
        ("node-1", "their nodes (node-0, node-1) have"),
    ],
)
def test_every_lost_node_is_named(second: str, said: str) -> None:
    lost = bbs(0, Reply.TIMEOUT, ready="Unknown"), bbs(1, Reply.TIMEOUT, ready="Unknown", node=second)
    said = f"diego-api-0 and diego-api-1 can't be reached, and {said} stopped reporting."
    assert diagnose(observation(*lost)).why == said


@pytest.mark.parametrize("container_is", [{"restarts": 9}, {"waiting": "CrashLoopBackOff", "started_at": None}])
def test_locket_that_restarts_again_and_again_is_crash_looping(container_is: dict[str, Any]) -> None:
    """By itself it comes back each time, and then hangs or is gone before a BBS has the lock."""
    run = container("diego-locket", age=20 * SECOND, last_started_at=ago(3 * MINUTE), **container_is)
    found = locket("True")
    pods = tuple(replace(each, containers=(run, SIDECAR)) for each in found.pods)
    told = diagnose(hung(locket=replace(found, pods=pods)))
    assert (told.row, told.name, told.restart) == ("16", Condition.CRASH_LOOPING, Restart.NEVER)
    assert told.why.startswith("Container diego-locket of diego-locket-0 ")


def test_an_init_container_that_keeps_locket_from_starting_is_asked_too() -> None:
    init = container("wait", ready=False, started_at=None, waiting="CrashLoopBackOff")
    found = locket("False")
    pods = tuple(replace(each, containers=(NOT_STARTED,), init_containers=(init,)) for each in found.pods)
    told = diagnose(hung(locket=replace(found, pods=pods)))
    assert (told.row, told.name, told.restart) == ("16", Condition.CRASH_LOOPING, Restart.NEVER)
    assert told.why == "Init container wait of diego-locket-0 is in CrashLoopBackOff."


def test_locket_in_the_same_pod_is_asked_too_and_another_sidecar_is_not() -> None:
    loops: dict[str, Any] = {"waiting": "CrashLoopBackOff", "started_at": None, "ready": False}
    inside = (container("bbs-bbs"), container("locket-locket", **loops), container("logs", **loops))
    seen = observation(bbs(0, containers=inside), bbs(1), bbs_container="bbs-bbs")
    assert diagnose(seen).why == "Container locket-locket of diego-api-0 is in CrashLoopBackOff."


def test_a_locket_pod_on_a_lost_node_is_no_locket_that_is_down() -> None:
    found = locket("Unknown")
    told = diagnose(hung(locket=found))
    assert (told.row, told.name, told.restart) == ("15", Condition.NODE_DOWN, Restart.NOT_YET)
    assert told.why == "diego-locket-0 is Locket's, and its node (node-0) has stopped reporting."
    assert told.next == "kubectl describe node node-0"
    late = tuple(replace(each, ends_at=ago(2 * MINUTE)) for each in found.pods)
    assert diagnose(hung(locket=replace(found, pods=late))).name is Condition.LOCKET_DOWN


def test_a_silent_pod_whose_kubelet_still_reports_has_its_node() -> None:
    seen = observation(
        bbs(0, Reply.TIMEOUT, ready="False", containers=(NOT_READY, SIDECAR)), bbs(1), control="cluster DNS"
    )
    assert judged(seen) == row("20", Condition.NETWORK_FAULT, Restart.NEVER)


def test_a_pod_that_refuses_has_a_node_whatever_its_readiness_says() -> None:
    assert judged(observation(bbs(0, ready="Unknown"), bbs(1))) == NO_ACTIVE_BBS


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"])
@pytest.mark.parametrize("other", [Reply.REFUSED, Reply.TIMEOUT])
def test_a_container_that_loops_is_crash_looping_also_beside_a_hung_one(reason: str, other: Reply) -> None:
    looping = bbs(0, containers=(replace(NOT_READY, waiting=reason), SIDECAR))
    assert judged(observation(looping, bbs(1, other))) == row("16", Condition.CRASH_LOOPING, Restart.NEVER)


def test_a_container_that_waits_for_another_reason_does_not_loop() -> None:
    creating = bbs(0, containers=(replace(NOT_READY, waiting="CreateContainerConfigError", started_at=None), SIDECAR))
    assert judged(observation(creating, bbs(1))) == row("18", Condition.PODS_NOT_READY, Restart.NEVER)


def restarted(restarts: int, before: timedelta) -> Observation:
    """One pod whose container restarted, last 6 minutes ago; the run before that began `before`."""
    run = container(age=6 * MINUTE, restarts=restarts, last_started_at=ago(before))
    return observation(bbs(0, containers=(run, SIDECAR)), bbs(1))


def test_two_restarts_within_ten_minutes_are_crash_looping() -> None:
    assert judged(restarted(2, 10 * MINUTE - SECOND)) == row("16", Condition.CRASH_LOOPING, Restart.NEVER)


def test_two_restarts_of_which_one_is_longer_ago_are_not() -> None:
    assert judged(restarted(2, 10 * MINUTE)) == NO_ACTIVE_BBS


def test_a_first_restart_is_not_crash_looping() -> None:
    assert judged(restarted(1, 9 * MINUTE)) == NO_ACTIVE_BBS


def test_many_restarts_that_no_status_dates_are_not_crash_looping() -> None:
    seen = observation(bbs(0, containers=(container(restarts=7), SIDECAR)), bbs(1))
    assert judged(seen) == NO_ACTIVE_BBS


# Rows 17 and 18


@pytest.mark.parametrize(("age", "expected"), [(5 * MINUTE - SECOND, "17"), (5 * MINUTE, "25")])
def test_a_pod_is_starting_for_five_minutes(age: timedelta, expected: str) -> None:
    assert diagnose(observation(bbs(0), bbs(1, age=age))).row == expected


@pytest.mark.parametrize(("age", "expected"), [(5 * MINUTE - SECOND, "17"), (5 * MINUTE, "25")])
def test_a_bbs_container_is_starting_for_five_minutes(age: timedelta, expected: str) -> None:
    young = bbs(0, containers=(container(age=age), SIDECAR))
    assert diagnose(observation(young, bbs(1), bbs_container="diego-api")).row == expected


def test_a_pod_from_the_future_is_starting() -> None:
    assert judged(observation(bbs(0, age=-MINUTE), bbs(1))) == row("17", Condition.STARTING, Restart.NOT_YET)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (10 * MINUTE - SECOND, row("17", Condition.STARTING, Restart.NOT_YET)),
        (10 * MINUTE, row("18", Condition.PODS_NOT_READY, Restart.NEVER)),
    ],
)
def test_a_pending_pod_is_starting_for_ten_minutes(age: timedelta, expected: tuple[str, Condition, Restart]) -> None:
    seen = observation(bbs(0), pending(1, age=age))
    assert judged(seen) == expected
    since = "Not started yet" if expected[0] == "17" else "Pending for more than 10 minutes"
    assert diagnose(seen).why == f"{since}: diego-api-1 is Pending."


def test_a_pod_that_has_ended_is_to_be_replaced_for_five_minutes() -> None:
    for age, number in ((5 * MINUTE - SECOND, "17"), (5 * MINUTE, "18")):
        assert judged(observation(bbs(0), bbs(1, NOT_CONFIGURED, age=age, phase="Failed", ready="False")))[0] == number


def test_a_pending_pod_of_which_no_moment_is_known_may_be_new() -> None:
    undated = pending(1, age=MINUTE)
    seen = observation(bbs(0), replace(undated, pod=replace(undated.pod, created=None)))
    assert judged(seen) == row("17", Condition.STARTING, Restart.NOT_YET)


def test_a_young_pending_pod_does_not_hide_one_that_has_waited_for_long() -> None:
    seen = observation(pending(0, age=20 * MINUTE), pending(1, age=MINUTE))
    assert judged(seen) == row("18", Condition.PODS_NOT_READY, Restart.NEVER)
    assert "diego-api-0" in diagnose(seen).why
    assert "diego-api-1" not in diagnose(seen).why


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, row("17", Condition.STARTING, Restart.NOT_YET)),
        (10 * MINUTE - SECOND, row("17", Condition.STARTING, Restart.NOT_YET)),
        (10 * MINUTE, row("18", Condition.PODS_NOT_READY, Restart.NEVER)),
    ],
)
def test_a_missing_pod_is_starting_for_ten_minutes(
    since: timedelta | None, expected: tuple[str, Condition, Restart]
) -> None:
    seen = observation(bbs(0), workloads=(workload(),), missing_since=ago(since) if since else None)
    assert judged(seen) == expected
    said = "are missing" if expected[0] == "17" else "have been missing for more than 10 minutes"
    assert diagnose(seen).why == f"1 of 2 pods {said}."


def test_a_pod_that_waits_behind_a_pending_one_does_not_hide_how_long_that_has_waited() -> None:
    seen = observation(pending(0, age=20 * MINUTE), workloads=(workload(),), missing_since=None)
    assert judged(seen) == row("18", Condition.PODS_NOT_READY, Restart.NEVER)


def test_a_running_pod_without_an_address_counts_as_pending() -> None:
    seen = observation(bbs(0), bbs(1, NOT_CONFIGURED, ip=None))
    assert judged(seen) == row("18", Condition.PODS_NOT_READY, Restart.NEVER)


def test_an_init_container_without_a_status_says_nothing_of_a_pod_that_runs() -> None:
    init = container("init", ready=False, started_at=None)
    assert (status(pod(init_containers=(init,))), status(pod(phase=None))) == ("Running", "Unknown")
    assert status(pod(init_containers=(init,), containers=(NOT_STARTED,))) == "Init:0/1"
    assert status(pod(init_containers=(init,), containers=(container(), NOT_STARTED))) == "Running"


# How patient


def test_the_ages_that_decide_are_the_environments_own() -> None:
    slow = Patience(starting=7 * MINUTE, pending=30 * MINUTE)
    assert judged(observation(bbs(0), bbs(1, age=6 * MINUTE), patience=slow))[1] is Condition.STARTING
    assert judged(observation(bbs(0), pending(1, age=20 * MINUTE), patience=slow))[1] is Condition.STARTING
    assert (
        judged(observation(bbs(0, Reply.UNAVAILABLE, age=6 * MINUTE), patience=Patience(migrating=5 * MINUTE)))[0]
        == "7b"
    )
    assert judged(observation(bbs(0, ends_at=ago(90 * SECOND)), patience=Patience(terminating=2 * MINUTE)))[0] == "12"
    assert diagnose(restarted(2, 9 * MINUTE)).why.endswith("restarted twice within 10 minutes.")
