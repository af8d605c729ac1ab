"""Rows 1 to 9 of docs/diagnosis.md: there is no Diego, or somebody listens. One sentence for each condition."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Probe, Reply, Unknown
from stagekeeper.kube.objects import Container, Endpoints
from tests.diego import observations
from tests.diego.judging import ACCEPTING, MINUTE, SECOND, SERVING, SIDECAR, judged, row
from tests.diego.observations import ago, bbs, container, healthy, hung, observation, workload

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
    assert judged(hung(workloads=())) == row("10b", Condition.OBSERVER_FAULT, Restart.NEVER)


@pytest.mark.parametrize("service", [Reply.OK, Reply.TLS, Reply.UNAVAILABLE])
def test_a_service_that_answers_is_a_diego_that_is_called_otherwise(service: Reply) -> None:
    found = diagnose(observation(workloads=(), service=service))
    assert (found.row, found.name, found.restart) == ("6", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert "no StatefulSet diego-api and no pod with skiff-role-name=diego-api (selector) in namespace cf" in found.why


@pytest.mark.parametrize("service", [Reply.REFUSED, Reply.TIMEOUT, Reply.DNS, NOT_CONFIGURED])
def test_what_was_looked_for_is_named_where_there_is_no_diego(service: Any) -> None:
    found = diagnose(observation(workloads=(), service=service))
    assert (found.row, found.name) == ("1", Condition.NOT_APPLICABLE)
    assert "no StatefulSet diego-api and no pod with skiff-role-name=diego-api (selector) in namespace cf" in found.why


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, ""),
        ({"workloads": ()}, ""),
        ({"pods": (), "workloads": ()}, ", and no StatefulSet diego-api and no pod"),
    ],
)
def test_with_a_service_that_could_not_be_asked_it_is_said_if_nothing_else_is_there(
    changes: dict[str, Any], nothing: str
) -> None:
    why = diagnose(hung(service=Unknown("No time left."), **changes)).why
    assert why.startswith(f"The Service could not be probed{nothing or ': No time left.'}")


def test_a_service_that_could_not_be_asked_may_be_one_that_answers() -> None:
    found = diagnose(observation(workloads=(), service=Unknown("No time.")))
    assert (found.row, found.name, found.restart) == ("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_a_bbs_in_a_deployment_is_named_as_that() -> None:
    found = diagnose(hung(workloads=(), pods=(bbs(0, owner=None, controller="ReplicaSet diego-api-79c"),)))
    assert found.why == (
        "diego-api-0 match the selector, but there is no StatefulSet diego-api; ReplicaSet diego-api-79c controls them."
    )


# Row 2


ACCEPTS = Probe(Reply.OK, "accepts TCP", by_tcp=True)
LISTENING = [reply for reply in ACCEPTING if reply is not Reply.CLOSED]


@pytest.mark.parametrize("first", LISTENING)
@pytest.mark.parametrize("second", LISTENING)
def test_two_pods_that_accept_are_a_split_brain_whatever_they_reply(first: Reply, second: Reply) -> None:
    seen = observation(bbs(0, first, active=True), bbs(1, second), service=Reply.OK)
    assert judged(seen) == row("2", Condition.SPLIT_BRAIN, Restart.NEVER)


@pytest.mark.parametrize("second", [True, None])
def test_two_that_accept_tcp_are_a_split_brain_unless_their_labels_say_otherwise(*, second: bool | None) -> None:
    seen = observation(bbs(0, ACCEPTS, active=True), bbs(1, ACCEPTS, active=second), service=ACCEPTS)
    assert judged(seen) == row("2", Condition.SPLIT_BRAIN, Restart.NEVER)


def test_a_mesh_that_accepts_for_a_passive_pod_is_no_second_brain_though_no_sidecar_shows() -> None:
    seen = observation(bbs(0, ACCEPTS, active=True), bbs(1, ACCEPTS, active=False), service=ACCEPTS)
    found = diagnose(seen)
    assert (found.name, found.row) == (Condition.SERVING, "3")
    assert "diego-api-0 and diego-api-1 accept connections on 8889, and so does the Service" in found.why
    assert "without a client certificate (`tls:`) no more can be known" in found.why


def test_a_terminating_pod_that_still_answers_is_no_second_brain() -> None:
    leaving = bbs(0, Reply.OK, active=True, ends_at=observations.NOW + 500 * SECOND)
    assert judged(observation(leaving, bbs(1, Reply.UNAVAILABLE), service=Reply.OK)) == SERVING


# Row 3


def test_who_serves_is_named_also_where_it_is_about_to_end() -> None:
    found = diagnose(observation(bbs(0, Reply.OK, active=True, ends_at=observations.NOW), bbs(1), service=Reply.OK))
    assert found.why == "diego-api-0 is the active BBS and the Service routes to it."


def test_a_pod_that_serves_behind_a_service_that_answers_is_serving() -> None:
    assert judged(healthy()) == SERVING


def test_a_bbs_that_serves_is_called_the_active_one() -> None:
    assert diagnose(healthy()).why == "diego-api-0 is the active BBS and the Service routes to it."


def test_an_accept_counts_as_serving_without_client_certificates_and_no_more_is_said() -> None:
    seen = observation(bbs(0, ACCEPTS, active=True), bbs(1), service=ACCEPTS)
    assert judged(seen) == SERVING
    assert diagnose(seen).why == (
        "diego-api-0 accepts connections on 8889, and so does the Service; without a client certificate (`tls:`) no "
        "more can be known."
    )


def test_without_client_certificates_a_listener_that_the_label_denies_is_not_known() -> None:
    """A lasting 503 looks like this, and so does a label that nobody sets."""
    seen = observation(bbs(0, ACCEPTS), bbs(1))
    assert judged(seen) == row("4", Condition.LISTENING_UNKNOWN, Restart.NEVER)
    assert "active BBS" not in diagnose(seen).why
    assert "`tls:`" in diagnose(seen).why


@pytest.mark.parametrize(("active", "reply"), [(True, Reply.TIMEOUT), (None, Reply.TIMEOUT), (True, Reply.DNS)])
def test_without_client_certificates_no_sentence_says_that_a_bbs_serves(active: bool | None, reply: Reply) -> None:  # noqa: FBT001 -- drawn
    found = diagnose(observation(bbs(0, ACCEPTS, active=active), bbs(1, active=active and False), service=reply))
    assert found.row == "5"
    assert found.why.startswith("diego-api-0 accepts connections on 8889, but the Service")


# Row 3a: whoever is Terminating may go on serving


@pytest.mark.parametrize("reply", ACCEPTING)
@pytest.mark.parametrize("ends", [-600 * SECOND, 60 * SECOND])
def test_a_terminating_pod_that_still_accepts_is_a_roll_out_until_a_minute_past_its_grace(
    reply: Reply, ends: timedelta
) -> None:
    """The Service has dropped it already: neither the label nor the network is at fault."""
    seen = observation(bbs(0, reply, active=True, ends_at=ago(ends)), bbs(1))
    assert judged(seen) == row("3a", Condition.ROLLING_OUT, Restart.NOT_YET)


def test_a_terminating_pod_that_accepts_for_longer_is_stuck() -> None:
    seen = observation(bbs(0, Reply.OK, active=True, ends_at=ago(61 * SECOND)), bbs(1))
    assert judged(seen) == row("3a", Condition.TERMINATING_STUCK, Restart.NEVER)


def test_a_pod_that_ends_too_late_does_not_hide_that_the_next_one_has_no_label() -> None:
    late = bbs(0, Reply.OK, active=True, ends_at=ago(61 * SECOND))
    assert judged(observation(late, bbs(1, Reply.OK)))[:2] == ("4", Condition.ACTIVE_NOT_LABELLED)


# Row 3b: a name that is wrong


@pytest.mark.parametrize("reply", [Reply.DNS, Reply.TIMEOUT, Reply.REFUSED])
@pytest.mark.parametrize("active", [True, False, None])
def test_a_service_without_any_endpoint_slice_is_a_name_that_is_wrong(reply: Reply, active: bool | None) -> None:  # noqa: FBT001 -- drawn
    seen = observation(bbs(0, Reply.OK, active=active), bbs(1), service=reply, endpoints=Endpoints(0, 0))
    assert judged(seen) == row("3b", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert "namespace cf has no Service diego-api" in diagnose(seen).why


def test_a_service_without_an_endpoint_slice_that_answers_is_no_fault() -> None:
    assert judged(healthy(endpoints=Endpoints(0, 0))) == SERVING


# Rows 4 to 6


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
    for active in (True, False):
        seen = observation(bbs(0, Reply.OK, active=active), bbs(1), service=service)
        assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


def test_a_service_that_answers_while_no_pod_does_means_a_wrong_selector() -> None:
    assert judged(hung(service=Probe(Reply.OK))) == row("6", Condition.OBSERVER_FAULT, Restart.NEVER)


def test_a_pod_that_could_not_be_asked_may_be_the_one_that_answers() -> None:
    seen = observation(bbs(0, Unknown("No descriptors left."), active=True), bbs(1), service=Reply.OK)
    assert judged(seen) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


@pytest.mark.parametrize("steady", [False, Unknown("HTTP 500.")])
def test_pods_that_changed_while_we_looked_do_not_prove_a_wrong_selector(steady: object) -> None:
    assert judged(hung(service=Probe(Reply.OK), steady=steady)) == row("10", Condition.OBSERVER_FAULT, Restart.NOT_YET)


NOT_READY: dict[str, Any] = {"active": True, "ready": "False"}


@pytest.mark.parametrize("service", [Reply.REFUSED, Reply.TIMEOUT, Reply.DNS])
def test_a_pod_that_serves_and_is_not_ready_for_its_sidecar_leaves_the_service_without_an_endpoint(
    service: Reply,
) -> None:
    """A headless Service has no address then, so that its name does not resolve."""
    unready = bbs(0, Reply.OK, containers=(container(), replace(SIDECAR, ready=False)), **NOT_READY)
    found = diagnose(observation(unready, bbs(1), service=service))
    assert (found.row, found.name, found.restart) == ("5", Condition.NETWORK_FAULT, Restart.NEVER)
    assert found.why == (
        "diego-api-0 is the active BBS but is not Ready (its container loggregator-agent is not ready), so the Service "
        "has no endpoint."
    )
    assert found.next == "kubectl describe pod -n cf diego-api-0"


def test_a_readiness_gate_that_keeps_the_serving_pod_from_being_an_endpoint_is_named() -> None:
    found = diagnose(observation(bbs(0, Reply.OK, readiness_gates=("example.com/in",), **NOT_READY), bbs(1)))
    assert "diego-api-0 is the active BBS but is not Ready (its readiness gate example.com/in is not met)" in found.why


@pytest.mark.parametrize(
    ("endpoints", "ready"), [(Endpoints(1, 1), "False"), (Endpoints(1, 0), "True"), (Unknown("HTTP 403."), "False")]
)
def test_an_endpoint_is_only_missed_where_that_was_seen(endpoints: Any, ready: str) -> None:
    seen = observation(bbs(0, Reply.OK, active=True, ready=ready), bbs(1), endpoints=endpoints)
    assert diagnose(seen).why == "diego-api-0 is the active BBS, but the Service does not route to it (timeout)."


def test_a_label_that_leads_the_service_astray_is_named() -> None:
    seen = observation(bbs(0, Reply.OK, active=True), bbs(1, active=True), service=Reply.REFUSED)
    found = diagnose(seen)
    assert found.why == (
        "diego-api-0 is the active BBS, but the Service does not route to it (refused). "
        "Ready and labelled active too, and does not listen: diego-api-1."
    )
    assert found.next == "kubectl get statefulsets,pods,services -n cf --show-labels"


# Rows 7 and 7b


@pytest.mark.parametrize("age", [0 * SECOND, 60 * MINUTE - SECOND])
def test_a_503_from_a_pod_younger_than_an_hour_is_a_migration(age: timedelta) -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1))
    assert judged(seen) == row("7", Condition.MIGRATING, Restart.NOT_YET)


def test_the_youth_of_another_pod_says_nothing_of_a_503() -> None:
    """After one restart of two: the pod that was left takes the lock on connections that are dead."""
    seen = observation(bbs(0, age=2 * MINUTE), bbs(1, Reply.UNAVAILABLE))
    assert judged(seen) == row("7b", Condition.STUCK_UNAVAILABLE, Restart.NEVER)


def test_the_revisions_of_another_statefulset_say_nothing_of_a_503() -> None:
    zones = (workload("z0", replicas=1, update_revision="z0-a"), workload("z1", replicas=1, update_revision="z1-b"))
    first = bbs(0, Reply.UNAVAILABLE, owner="z0", labels={"controller-revision-hash": "z0-a"})
    second = bbs(1, owner="z1", labels={"controller-revision-hash": "z1-b"})
    assert judged(observation(first, second, workloads=zones))[0] == "7b"


def test_a_503_while_a_roll_out_has_begun_may_be_a_migration() -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE), bbs(1), workloads=(workload(update_revision="diego-api-new"),))
    assert judged(seen)[0] == "7"
    left_behind = workload(update_revision="diego-api-new", update_strategy="OnDelete")
    assert judged(replace(seen, workloads=(left_behind,)))[0] == "7b"


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


@pytest.mark.parametrize(
    ("age", "restart"),
    [
        (60 * MINUTE, Restart.NOT_YET),
        (75 * MINUTE - SECOND, Restart.NOT_YET),
        (75 * MINUTE, Restart.NEVER),
        (observations.OLD, Restart.NEVER),
    ],
)
def test_a_503_from_a_pod_that_is_not_new_is_stuck(age: timedelta, restart: Restart) -> None:
    seen = observation(bbs(0, Reply.UNAVAILABLE, active=True, age=age), bbs(1, age=age))
    assert judged(seen) == row("7b", Condition.STUCK_UNAVAILABLE, restart)


def test_an_upgrade_that_is_just_older_than_the_limit_is_to_be_ruled_out_first() -> None:
    found = diagnose(observation(bbs(0, Reply.UNAVAILABLE, age=75 * MINUTE), bbs(1, age=75 * MINUTE)))
    assert (found.name, found.restart) == (Condition.STUCK_UNAVAILABLE, Restart.NEVER)
    assert "which has run since 2026-11-23 10:45 UTC. Find out first whether it still migrates" in found.why
    assert "running-migration" in found.why
    assert "nothing is new" not in found.why
    assert found.next == "kubectl logs -n cf diego-api-0 -c diego-api | grep migration-manager | tail -5"


def test_what_has_run_for_days_migrates_nothing() -> None:
    found = diagnose(observation(bbs(0, Reply.UNAVAILABLE), bbs(1)))
    assert found.why == (
        "503 from diego-api-0, which has run since 2026-11-20 12:00 UTC and so migrates nothing: its database "
        "connections are probably dead, and a restart is the likely fix."
    )


# Row 7c: our own certificate


def test_a_bbs_that_does_not_want_our_certificate_says_nothing_of_itself() -> None:
    refused = Probe(Reply.CERTIFICATE_REFUSED, "SSLV3_ALERT_CERTIFICATE_EXPIRED")
    seen = observation(bbs(0, refused, active=True), bbs(1), service=Reply.CERTIFICATE_REFUSED)
    assert judged(seen) == row("7c", Condition.OBSERVER_FAULT, Restart.NEVER)
    assert diagnose(seen).why == (
        "diego-api-0 listens but refuses our client certificate (SSLV3_ALERT_CERTIFICATE_EXPIRED), and may serve "
        "others: renew the files in `tls:`."
    )


# Row 8b: a proxy accepts for the BBS

MESHED = (container(), container("istio-proxy"))


def test_a_mesh_sidecar_that_closes_is_no_second_brain() -> None:
    closed = bbs(1, Reply.CLOSED, containers=MESHED)
    seen = observation(bbs(0, Reply.OK, active=True, containers=MESHED), closed, service=Reply.OK)
    assert judged(seen) == SERVING
    assert "with the mesh sidecar istio-proxy" in diagnose(seen).evidence[3]


@pytest.mark.parametrize(
    ("containers", "said"),
    [
        (MESHED, "the mesh sidecar istio-proxy does that"),
        ((container(),), "a proxy in front of it, such as a mesh sidecar"),
    ],
)
def test_where_every_pod_accepts_and_closes_nobody_knows_who_listens(
    containers: tuple[Container, ...], said: str
) -> None:
    seen = observation(*(bbs(each, Reply.CLOSED, containers=containers) for each in range(2)), service=Reply.CLOSED)
    assert judged(seen) == row("8b", Condition.LISTENING_UNKNOWN, Restart.NEVER)
    assert said in diagnose(seen).why
    assert "Exclude port 8889 from the mesh." in diagnose(seen).why


def test_behind_a_mesh_sidecar_a_tcp_accept_says_nothing_where_the_label_denies_it() -> None:
    pods = [bbs(each, ACCEPTS, containers=MESHED) for each in range(2)]
    assert judged(observation(*pods, service=ACCEPTS)) == row("8b", Condition.LISTENING_UNKNOWN, Restart.NEVER)


def test_behind_a_mesh_sidecar_a_tcp_accept_counts_where_the_label_agrees() -> None:
    pods = [bbs(0, ACCEPTS, active=True, containers=MESHED), bbs(1, ACCEPTS, containers=MESHED)]
    seen = observation(*pods, service=ACCEPTS)
    assert judged(seen) == SERVING
    assert diagnose(seen).why.startswith("diego-api-0 accepts connections")


MESHES = "istio-proxy linkerd-proxy kuma-sidecar consul-dataplane envoy envoy-sidecar nginx-mesh-sidecar"


@pytest.mark.parametrize("name", MESHES.split())
def test_a_meshs_proxy_is_known_by_its_name(name: str) -> None:
    assert bbs(0, containers=(container(), container(name))).mesh_sidecar == name


def test_a_native_sidecar_is_a_mesh_sidecar_too() -> None:
    native = container("istio-proxy", sidecar=True)
    pods = [bbs(each, ACCEPTS, init_containers=(native,)) for each in range(2)]
    assert judged(observation(*pods, service=ACCEPTS))[0] == "8b"


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
