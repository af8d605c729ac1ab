"""Rows 1 to 9 of docs/diagnosis.md: there is no Diego, or somebody listens. One sentence for each condition."""

from datetime import timedelta

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Probe, Reply, Unknown
from tests.diego import observations
from tests.diego.judging import ACCEPTING, MINUTE, SECOND, SERVING, SIDECAR, judged, row
from tests.diego.observations import ago, bbs, container, healthy, hung, observation

# Row 1


def test_no_workload_and_no_pods_is_not_applicable() -> None:
    assert judged(observation(workloads=())) == row("1", Condition.NOT_APPLICABLE, Restart.NEVER)


def test_a_workload_that_could_not_be_read_is_not_an_absent_one() -> None:
    seen = observation(workloads=Unknown("HTTP 403."))
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_pods_that_could_not_be_read_are_not_absent_ones() -> None:
    seen = observation(workloads=(), pods=Unknown("HTTP 500."))
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_pods_without_the_configured_workload_mean_that_its_name_is_wrong() -> None:
    assert judged(hung(workloads=())) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


# Row 2


@pytest.mark.parametrize("first", ACCEPTING)
@pytest.mark.parametrize("second", ACCEPTING)
def test_two_pods_that_accept_are_a_split_brain_whatever_they_reply(first: Reply, second: Reply) -> None:
    seen = observation(bbs(0, first, active=True), bbs(1, second), service=Reply.OK)
    assert judged(seen) == row("2", Condition.SPLIT_BRAIN, Restart.NEVER)


def test_a_terminating_pod_that_still_answers_is_no_second_brain() -> None:
    leaving = bbs(0, Reply.OK, active=True, ends_at=observations.NOW + 500 * SECOND)
    assert judged(observation(leaving, bbs(1, Reply.UNAVAILABLE), service=Reply.OK)) == SERVING


# Rows 3 to 6


def test_a_pod_that_serves_behind_a_service_that_answers_is_serving() -> None:
    assert judged(healthy()) == SERVING


def test_an_accept_counts_as_serving_without_client_certificates() -> None:
    seen = observation(
        bbs(0, Probe(Reply.OK, "accepts TCP"), active=True), bbs(1), service=Probe(Reply.OK, "accepts TCP")
    )
    assert judged(seen) == SERVING


@pytest.mark.parametrize("reply", [each for each in Reply if each is not Reply.OK])
def test_a_serving_pod_without_the_label_leaves_the_service_empty(reply: Reply) -> None:
    seen = observation(bbs(0, Reply.OK, active=False), bbs(1), service=reply)
    assert judged(seen) == row("4", Condition.ACTIVE_NOT_LABELLED, Restart.NEVER)


def test_a_missing_label_is_no_reason_where_the_platform_never_sets_it() -> None:
    seen = observation(bbs(0, Reply.OK, active=None), bbs(1, active=None))
    assert judged(seen) == row("5", Condition.NETWORK_FAULT, Restart.NEVER)


def test_a_labelled_pod_behind_a_name_that_does_not_resolve_is_a_dns_fault() -> None:
    seen = observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.DNS)
    assert judged(seen) == row("5", Condition.DNS_FAULT, Restart.NEVER)


@pytest.mark.parametrize("reply", [each for each in Reply if each not in {Reply.OK, Reply.DNS}])
def test_a_labelled_pod_behind_a_service_that_fails_is_a_network_fault(reply: Reply) -> None:
    seen = observation(bbs(0, Reply.OK, active=True), bbs(1), service=reply)
    assert judged(seen) == row("5", Condition.NETWORK_FAULT, Restart.NEVER)


@pytest.mark.parametrize("service", [Unknown("No time left."), NOT_CONFIGURED])
def test_a_serving_pod_behind_a_service_that_was_not_asked_is_the_observers_fault(service: Unknown) -> None:
    seen = observation(bbs(0, Reply.OK, active=True), bbs(1), service=service)
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_a_service_that_answers_while_no_pod_does_means_a_wrong_selector() -> None:
    assert judged(hung(service=Probe(Reply.OK))) == row("6", Condition.OBSERVER_FAULT, Restart.NEVER)


def test_a_pod_that_could_not_be_asked_may_be_the_one_that_answers() -> None:
    seen = observation(bbs(0, Unknown("No descriptors left."), active=True), bbs(1), service=Reply.OK)
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


@pytest.mark.parametrize("steady", [False, Unknown("HTTP 500.")])
def test_pods_that_changed_while_we_looked_do_not_prove_a_wrong_selector(steady: object) -> None:
    assert judged(hung(service=Probe(Reply.OK), steady=steady)) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


# Rows 7 and 7b


@pytest.mark.parametrize("age", [0 * SECOND, 60 * MINUTE - SECOND])
def test_a_503_from_a_pod_younger_than_an_hour_is_a_migration(age: timedelta) -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1))
    assert judged(seen) == row("7", Condition.MIGRATING, Restart.NOT_YET)


def test_a_503_while_the_other_pod_is_young_is_a_migration() -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE), bbs(1, age=20 * MINUTE))
    assert judged(seen) == row("7", Condition.MIGRATING, Restart.NOT_YET)


def test_a_503_from_an_old_pod_whose_bbs_container_is_young_is_a_migration() -> None:
    young = bbs(0, Reply.UNAVAILABLE, containers=(container(age=59 * MINUTE), SIDECAR))
    assert judged(observation(young, bbs(1), bbs_container="diego-api")) == row(
        "7", Condition.MIGRATING, Restart.NOT_YET
    )


def test_a_young_sidecar_does_not_make_a_503_a_migration() -> None:
    seen = bbs(0, Reply.UNAVAILABLE, containers=(container(), container("loggregator-agent", age=MINUTE)))
    assert judged(observation(seen, bbs(1), bbs_container="diego-api"))[1] is Condition.STUCK_UNAVAILABLE


def test_a_503_between_pods_of_two_revisions_is_a_migration() -> None:
    other = bbs(1, labels={"controller-revision-hash": "diego-api-other"})
    assert judged(observation(bbs(0, Reply.UNAVAILABLE), other)) == row("7", Condition.MIGRATING, Restart.NOT_YET)


def test_a_503_from_a_pod_of_unknown_age_may_be_a_migration() -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, created=None), bbs(1))
    assert judged(seen) == row("7", Condition.MIGRATING, Restart.NOT_YET)


@pytest.mark.parametrize("age", [60 * MINUTE, observations.OLD])
def test_a_503_where_nothing_is_new_is_stuck(age: timedelta) -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1, age=age))
    assert judged(seen) == row("7b", Condition.STUCK_UNAVAILABLE, Restart.NEVER)


# Rows 8 and 9


def test_a_failed_handshake_is_broken_tls_also_with_the_others_refused() -> None:
    seen = observation(bbs(0, Reply.TLS), bbs(1))
    assert judged(seen) == row("8", Condition.TLS_BROKEN, Restart.NEVER)


def test_broken_tls_names_the_date_that_the_certificate_ended() -> None:
    ended = Probe(Reply.TLS, "certificate has expired", certificate_ends=ago(timedelta(days=2)))
    why = diagnose(observation(bbs(0, ended), bbs(1))).why
    assert why == "TLS with diego-api-0 fails: certificate has expired, certificate ends 2026-11-21."


@pytest.mark.parametrize("reply", [Reply.NO_REPLY, Reply.BAD_REPLY])
def test_a_listener_that_does_not_answer_as_a_bbs_is_frozen(reply: Reply) -> None:
    assert judged(observation(bbs(0, reply), bbs(1))) == row("9", Condition.FROZEN, Restart.NEVER)
