"""The table of docs/diagnosis.md, row by row: one sentence for each condition, each boundary, each note."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego.diagnosis import Name, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Observation, Probe, ReadyPods, Reply, Unknown
from tests.diego import looks
from tests.diego.looks import ago, bbs, container, healthy, hung, locket, look, pending, workload

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
SIDECAR = container("loggregator-agent")
NOT_READY = replace(container(), ready=False)
ACCEPTING = [reply for reply in Reply if reply.accepted]


def judged(seen: Observation) -> tuple[str, Name, Restart]:
    found = diagnose(seen)
    return found.row, found.name, found.restart


def row(number: str, name: Name, restart: Restart) -> tuple[str, Name, Restart]:
    return number, name, restart


NO_ACTIVE_BBS = row("25", Name.NO_ACTIVE_BBS, Restart.CURES)
SERVING = row("3", Name.SERVING, Restart.NEVER)


# Row 1


def test_no_workload_and_no_pods_is_not_applicable() -> None:
    assert judged(look(workloads=())) == row("1", Name.NOT_APPLICABLE, Restart.NEVER)


def test_a_workload_that_could_not_be_read_is_not_an_absent_one() -> None:
    seen = look(workloads=Unknown("HTTP 403."))
    assert judged(seen) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


def test_pods_that_could_not_be_read_are_not_absent_ones() -> None:
    seen = look(workloads=(), pods=Unknown("HTTP 500."))
    assert judged(seen) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


def test_pods_without_the_configured_workload_mean_that_its_name_is_wrong() -> None:
    assert judged(hung(workloads=())) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


# Row 2


@pytest.mark.parametrize("first", ACCEPTING)
@pytest.mark.parametrize("second", ACCEPTING)
def test_two_pods_that_accept_are_a_split_brain_whatever_they_reply(first: Reply, second: Reply) -> None:
    seen = look(bbs(0, first, active=True), bbs(1, second), service=Reply.OK)
    assert judged(seen) == row("2", Name.SPLIT_BRAIN, Restart.NEVER)


def test_a_terminating_pod_that_still_answers_is_no_second_brain() -> None:
    leaving = bbs(0, Reply.OK, active=True, ends_at=looks.NOW + 500 * SECOND)
    assert judged(look(leaving, bbs(1, Reply.UNAVAILABLE), service=Reply.OK)) == SERVING


# Rows 3 to 6


def test_a_pod_that_serves_behind_a_service_that_answers_is_serving() -> None:
    assert judged(healthy()) == SERVING


def test_an_accept_counts_as_serving_without_client_certificates() -> None:
    seen = look(bbs(0, Probe(Reply.OK, "accepts TCP"), active=True), bbs(1), service=Probe(Reply.OK, "accepts TCP"))
    assert judged(seen) == SERVING


@pytest.mark.parametrize("reply", [each for each in Reply if each is not Reply.OK])
def test_a_serving_pod_without_the_label_leaves_the_service_empty(reply: Reply) -> None:
    seen = look(bbs(0, Reply.OK, active=False), bbs(1), service=reply)
    assert judged(seen) == row("4", Name.ACTIVE_NOT_LABELLED, Restart.NEVER)


def test_a_missing_label_is_no_reason_where_the_platform_never_sets_it() -> None:
    seen = look(bbs(0, Reply.OK, active=None), bbs(1, active=None))
    assert judged(seen) == row("5", Name.NETWORK_FAULT, Restart.NEVER)


def test_a_labelled_pod_behind_a_name_that_does_not_resolve_is_a_dns_fault() -> None:
    seen = look(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.DNS)
    assert judged(seen) == row("5", Name.DNS_FAULT, Restart.NEVER)


@pytest.mark.parametrize("reply", [each for each in Reply if each not in {Reply.OK, Reply.DNS}])
def test_a_labelled_pod_behind_a_service_that_fails_is_a_network_fault(reply: Reply) -> None:
    seen = look(bbs(0, Reply.OK, active=True), bbs(1), service=reply)
    assert judged(seen) == row("5", Name.NETWORK_FAULT, Restart.NEVER)


@pytest.mark.parametrize("service", [Unknown("No time left."), NOT_CONFIGURED])
def test_a_serving_pod_behind_a_service_that_was_not_asked_is_the_observers_fault(service: Unknown) -> None:
    seen = look(bbs(0, Reply.OK, active=True), bbs(1), service=service)
    assert judged(seen) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


def test_a_service_that_answers_while_no_pod_does_means_a_wrong_selector() -> None:
    assert judged(hung(service=Probe(Reply.OK))) == row("6", Name.OBSERVER_FAULT, Restart.NEVER)


def test_a_pod_that_could_not_be_asked_may_be_the_one_that_answers() -> None:
    seen = look(bbs(0, Unknown("No descriptors left."), active=True), bbs(1), service=Reply.OK)
    assert judged(seen) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


@pytest.mark.parametrize("steady", [False, Unknown("HTTP 500.")])
def test_pods_that_changed_while_we_looked_do_not_prove_a_wrong_selector(steady: object) -> None:
    assert judged(hung(service=Probe(Reply.OK), steady=steady)) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


# Rows 7 and 7b


@pytest.mark.parametrize("age", [0 * SECOND, 60 * MINUTE - SECOND])
def test_a_503_from_a_pod_younger_than_an_hour_is_a_migration(age: timedelta) -> None:
    seen = look(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1))
    assert judged(seen) == row("7", Name.MIGRATING, Restart.NOT_YET)


def test_a_503_while_the_other_pod_is_young_is_a_migration() -> None:
    seen = look(bbs(0, Reply.UNAVAILABLE), bbs(1, age=20 * MINUTE))
    assert judged(seen) == row("7", Name.MIGRATING, Restart.NOT_YET)


def test_a_503_from_an_old_pod_whose_bbs_container_is_young_is_a_migration() -> None:
    young = bbs(0, Reply.UNAVAILABLE, containers=(container(age=59 * MINUTE), SIDECAR))
    assert judged(look(young, bbs(1), bbs_container="diego-api")) == row("7", Name.MIGRATING, Restart.NOT_YET)


def test_a_young_sidecar_does_not_make_a_503_a_migration() -> None:
    seen = bbs(0, Reply.UNAVAILABLE, containers=(container(), container("loggregator-agent", age=MINUTE)))
    assert judged(look(seen, bbs(1), bbs_container="diego-api"))[1] is Name.STUCK_UNAVAILABLE


def test_a_503_between_pods_of_two_revisions_is_a_migration() -> None:
    other = bbs(1, labels={"controller-revision-hash": "diego-api-other"})
    assert judged(look(bbs(0, Reply.UNAVAILABLE), other)) == row("7", Name.MIGRATING, Restart.NOT_YET)


def test_a_503_from_a_pod_of_unknown_age_may_be_a_migration() -> None:
    seen = look(bbs(0, Reply.UNAVAILABLE, created=None), bbs(1))
    assert judged(seen) == row("7", Name.MIGRATING, Restart.NOT_YET)


@pytest.mark.parametrize("age", [60 * MINUTE, looks.OLD])
def test_a_503_where_nothing_is_new_is_stuck(age: timedelta) -> None:
    seen = look(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1, age=age))
    assert judged(seen) == row("7b", Name.STUCK_UNAVAILABLE, Restart.NEVER)


# Rows 8 and 9


def test_a_failed_handshake_is_broken_tls_also_with_the_others_refused() -> None:
    seen = look(bbs(0, Reply.TLS), bbs(1))
    assert judged(seen) == row("8", Name.TLS_BROKEN, Restart.NEVER)


def test_broken_tls_names_the_date_that_the_certificate_ended() -> None:
    ended = Probe(Reply.TLS, "certificate has expired", certificate_ends=ago(timedelta(days=2)))
    why = diagnose(look(bbs(0, ended), bbs(1))).why
    assert why == "TLS with diego-api-0 fails: certificate has expired, certificate ends 2026-11-21."


@pytest.mark.parametrize("reply", [Reply.NO_REPLY, Reply.BAD_REPLY])
def test_a_listener_that_does_not_answer_as_a_bbs_is_frozen(reply: Reply) -> None:
    assert judged(look(bbs(0, reply), bbs(1))) == row("9", Name.FROZEN, Restart.NEVER)


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
    assert judged(replace(hung(), **unread)) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)  # type: ignore[arg-type]


def test_a_pod_with_an_address_that_could_not_be_probed_is_the_observers_fault() -> None:
    seen = look(bbs(0), bbs(1, Unknown("No descriptors left.")))
    assert judged(seen) == row("10", Name.OBSERVER_FAULT, Restart.NOT_YET)


# Rows 11 to 13


def test_a_workload_of_no_replicas_is_scaled_down() -> None:
    assert judged(look(workloads=(workload(replicas=0),))) == row("11", Name.SCALED_DOWN, Restart.NEVER)


def test_one_zone_of_no_replicas_beside_another_is_not_scaled_down() -> None:
    zones = (workload("diego-api-z0", replicas=0), workload("diego-api-z1", replicas=2))
    assert judged(hung(workloads=zones)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("ends", [-600 * SECOND, 0 * SECOND, 60 * SECOND])
def test_a_pod_that_is_terminating_is_a_roll_out_until_a_minute_past_its_grace(ends: timedelta) -> None:
    seen = look(bbs(0, ends_at=ago(ends)), bbs(1))
    assert judged(seen) == row("12", Name.ROLLING_OUT, Restart.NOT_YET)


def test_a_pod_that_is_terminating_a_minute_past_its_grace_is_stuck() -> None:
    found = diagnose(look(bbs(0), bbs(1, ends_at=ago(61 * SECOND))))
    assert (found.row, found.name, found.restart) == ("12", Name.TERMINATING_STUCK, Restart.NEVER)
    assert "diego-api-1 on node node-1" in found.why


def test_more_pods_than_replicas_are_a_roll_out() -> None:
    seen = hung(workloads=(workload(replicas=1),))
    assert judged(seen) == row("12", Name.ROLLING_OUT, Restart.NOT_YET)


def test_a_generation_that_nobody_has_observed_is_a_roll_out() -> None:
    seen = hung(workloads=(workload(generation=5),))
    assert judged(seen) == row("13", Name.ROLLING_OUT, Restart.NOT_YET)


def test_a_pod_of_an_older_revision_is_a_roll_out() -> None:
    seen = hung(workloads=(workload(update_revision="diego-api-new"),))
    assert judged(seen) == row("13", Name.ROLLING_OUT, Restart.NOT_YET)


@pytest.mark.parametrize("kept", [{"update_strategy": "OnDelete"}, {"partition": 1}])
def test_pods_that_are_left_behind_on_purpose_are_no_roll_out(kept: dict[str, Any]) -> None:
    seen = hung(workloads=(workload(update_revision="diego-api-new", **kept),))
    assert judged(seen) == NO_ACTIVE_BBS


def test_each_pod_is_compared_with_the_revision_of_its_own_workload() -> None:
    zones = (workload("z0", replicas=1, update_revision="z0-a"), workload("z1", replicas=1, update_revision="z1-b"))
    first = bbs(0, owner="z0", labels={"controller-revision-hash": "z0-a"})
    second = bbs(1, owner="z1", labels={"controller-revision-hash": "z1-b"})
    assert judged(look(first, second, workloads=zones)) == NO_ACTIVE_BBS


# Rows 14 to 16


def test_a_database_that_fails_its_check_is_down() -> None:
    assert judged(hung(database=False)) == row("14", Name.DATABASE_DOWN, Restart.NOT_YET)


def test_a_silent_pod_whose_readiness_is_unknown_has_lost_its_node() -> None:
    seen = look(bbs(0, Reply.TIMEOUT, ready="Unknown"), bbs(1))
    assert judged(seen) == row("15", Name.NODE_DOWN, Restart.NOT_YET)


def test_a_pod_that_refuses_has_a_node_whatever_its_readiness_says() -> None:
    assert judged(look(bbs(0, ready="Unknown"), bbs(1))) == NO_ACTIVE_BBS


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"])
@pytest.mark.parametrize("other", [Reply.REFUSED, Reply.TIMEOUT])
def test_a_container_that_loops_is_crash_looping_also_beside_a_hung_one(reason: str, other: Reply) -> None:
    looping = bbs(0, containers=(replace(NOT_READY, waiting=reason), SIDECAR))
    assert judged(look(looping, bbs(1, other))) == row("16", Name.CRASH_LOOPING, Restart.NEVER)


def test_a_container_that_waits_for_another_reason_does_not_loop() -> None:
    creating = bbs(0, containers=(replace(NOT_READY, waiting="CreateContainerConfigError"), SIDECAR))
    assert judged(look(creating, bbs(1))) == row("24", Name.PODS_NOT_READY, Restart.NEVER)


def restarted(restarts: int, before: timedelta) -> Observation:
    """One pod whose container restarted, last 6 minutes ago; the run before that began `before`."""
    run = container(age=6 * MINUTE, restarts=restarts, last_started_at=ago(before))
    return look(bbs(0, containers=(run, SIDECAR)), bbs(1))


def test_two_restarts_within_ten_minutes_are_crash_looping() -> None:
    assert judged(restarted(2, 10 * MINUTE - SECOND)) == row("16", Name.CRASH_LOOPING, Restart.NEVER)


def test_two_restarts_of_which_one_is_longer_ago_are_not() -> None:
    assert judged(restarted(2, 10 * MINUTE)) == NO_ACTIVE_BBS


def test_a_first_restart_is_not_crash_looping() -> None:
    assert judged(restarted(1, 9 * MINUTE)) == NO_ACTIVE_BBS


def test_many_restarts_that_no_status_dates_are_not_crash_looping() -> None:
    seen = look(bbs(0, containers=(container(restarts=7), SIDECAR)), bbs(1))
    assert judged(seen) == NO_ACTIVE_BBS


# Rows 17 and 18


@pytest.mark.parametrize(("age", "expected"), [(5 * MINUTE - SECOND, "17"), (5 * MINUTE, "25")])
def test_a_pod_is_starting_for_five_minutes(age: timedelta, expected: str) -> None:
    assert diagnose(look(bbs(0), bbs(1, age=age))).row == expected


@pytest.mark.parametrize(("age", "expected"), [(5 * MINUTE - SECOND, "17"), (5 * MINUTE, "25")])
def test_a_bbs_container_is_starting_for_five_minutes(age: timedelta, expected: str) -> None:
    young = bbs(0, containers=(container(age=age), SIDECAR))
    assert diagnose(look(young, bbs(1), bbs_container="diego-api")).row == expected


def test_a_pod_from_the_future_is_starting() -> None:
    assert judged(look(bbs(0, age=-MINUTE), bbs(1))) == row("17", Name.STARTING, Restart.NOT_YET)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (10 * MINUTE - SECOND, row("17", Name.STARTING, Restart.NOT_YET)),
        (10 * MINUTE, row("18", Name.PODS_NOT_READY, Restart.NEVER)),
    ],
)
def test_a_pending_pod_is_starting_for_ten_minutes(age: timedelta, expected: tuple[str, Name, Restart]) -> None:
    assert judged(look(bbs(0), pending(1, age=age))) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, row("17", Name.STARTING, Restart.NOT_YET)),
        (10 * MINUTE - SECOND, row("17", Name.STARTING, Restart.NOT_YET)),
        (10 * MINUTE, row("18", Name.PODS_NOT_READY, Restart.NEVER)),
    ],
)
def test_a_missing_pod_is_starting_for_ten_minutes(
    since: timedelta | None, expected: tuple[str, Name, Restart]
) -> None:
    seen = look(bbs(0), workloads=(workload(),), missing_since=ago(since) if since else None)
    assert judged(seen) == expected


def test_a_pod_that_waits_behind_a_pending_one_does_not_hide_how_long_that_has_waited() -> None:
    seen = look(pending(0, age=20 * MINUTE), workloads=(workload(),), missing_since=None)
    assert judged(seen) == row("18", Name.PODS_NOT_READY, Restart.NEVER)


def test_a_running_pod_without_an_address_counts_as_pending() -> None:
    seen = look(bbs(0), bbs(1, NOT_CONFIGURED, ip=None))
    assert judged(seen) == row("18", Name.PODS_NOT_READY, Restart.NEVER)


# Row 19


@pytest.mark.parametrize("broken", [locket(), locket("False"), locket("True", replicas=2), locket(replicas=0)])
def test_a_locket_of_its_own_that_is_not_all_ready_is_down(broken: object) -> None:
    assert judged(replace(hung(), locket=broken)) == row("19", Name.LOCKET_DOWN, Restart.NEVER)  # type: ignore[arg-type]


def test_a_locket_of_its_own_that_is_ready_and_hangs_is_cured_by_a_restart() -> None:
    assert judged(hung(locket=locket("True"))) == NO_ACTIVE_BBS


# Rows 20 and 21


@pytest.mark.parametrize("other", [Reply.REFUSED, Reply.TIMEOUT])
def test_a_silent_pod_beside_a_control_that_answers_is_a_network_fault(other: Reply) -> None:
    seen = look(bbs(0, Reply.TIMEOUT), bbs(1, other), control="port 8891 of diego-api-0")
    assert judged(seen) == row("20", Name.NETWORK_FAULT, Restart.NEVER)


@pytest.mark.parametrize("control", ["", NOT_CONFIGURED, Unknown("No time left.")])
def test_a_silent_pod_without_a_control_that_answers_is_the_observers_fault(control: object) -> None:
    seen = look(bbs(0, Reply.TIMEOUT), bbs(1), control=control)
    assert judged(seen) == row("21", Name.OBSERVER_FAULT, Restart.NOT_YET)


# Rows 22 to 26


@pytest.mark.parametrize("ready", [ReadyPods(0, 2), ReadyPods(0, 0)])
def test_no_ready_cloud_controller_is_a_wider_fault(ready: ReadyPods) -> None:
    assert judged(hung(cloud_controller=ready)) == row("22", Name.CLOUD_CONTROLLER_DOWN, Restart.NEVER)


@pytest.mark.parametrize("ready", [ReadyPods(1, 2), NOT_CONFIGURED])
def test_one_ready_cloud_controller_is_enough(ready: object) -> None:
    assert judged(replace(hung(), cloud_controller=ready)) == NO_ACTIVE_BBS  # type: ignore[arg-type]


def test_a_ready_pod_that_is_labelled_active_and_refuses_contradicts_us() -> None:
    seen = look(bbs(0, active=True), bbs(1))
    assert judged(seen) == row("23", Name.LABEL_CONTRADICTS, Restart.NEVER)


@pytest.mark.parametrize("ready", ["False", "Unknown", None])
def test_the_label_of_a_pod_that_is_not_ready_says_nothing(ready: str | None) -> None:
    assert judged(look(bbs(0, active=True, ready=ready), bbs(1))) == NO_ACTIVE_BBS


def test_a_bbs_container_that_is_not_ready_means_pods_not_ready() -> None:
    seen = look(bbs(0, containers=(NOT_READY, SIDECAR)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == row("24", Name.PODS_NOT_READY, Restart.NEVER)


def test_a_sidecar_that_is_not_ready_does_not_matter_where_the_bbs_container_is_named() -> None:
    sidecar = replace(SIDECAR, ready=False)
    seen = look(bbs(0, containers=(container(), sidecar)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == NO_ACTIVE_BBS
    assert judged(replace(seen, bbs_container=None)) == row("24", Name.PODS_NOT_READY, Restart.NEVER)


def test_a_pod_without_containers_is_not_ready() -> None:
    assert judged(look(bbs(0, containers=()), bbs(1))) == row("24", Name.PODS_NOT_READY, Restart.NEVER)


def test_a_passive_pod_need_not_be_ready_where_the_profile_says_so() -> None:
    seen = look(bbs(0, containers=(NOT_READY, SIDECAR)), bbs(1), passive_is_ready=False)
    assert judged(seen) == NO_ACTIVE_BBS


@pytest.mark.parametrize("service", [Reply.REFUSED, Reply.TIMEOUT, Reply.DNS])
@pytest.mark.parametrize("pods", [1, 2, 3])
def test_pods_that_all_refuse_have_no_active_bbs_however_the_service_fails(service: Reply, pods: int) -> None:
    assert judged(look(*(bbs(each) for each in range(pods)), service=service)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("part", ["database", "locket", "cloud_controller"])
def test_a_part_that_could_not_be_read_forbids_the_cure(part: str) -> None:
    found = diagnose(replace(hung(), **{part: Unknown("HTTP 403.")}))  # type: ignore[arg-type]
    assert (found.row, found.name, found.restart) == ("26", Name.OBSERVER_FAULT, Restart.NOT_YET)
    assert "HTTP 403." in found.why


@pytest.mark.parametrize("service", [each for each in ACCEPTING if each is not Reply.OK])
def test_a_service_behind_which_somebody_listens_forbids_the_cure(service: Reply) -> None:
    found = diagnose(hung(service=Probe(service)))
    assert (found.row, found.name, found.restart) == ("26", Name.OBSERVER_FAULT, Restart.NOT_YET)
    assert found.why == f"Every pod refuses, but something behind the Service listens ({service})."
