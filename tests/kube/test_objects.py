"""What Kubernetes objects become, and that no JSON at all can break the readers."""

from dataclasses import astuple, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekeeper.kube import objects
from stagekeeper.kube.objects import Container, Endpoints
from stagekeeper.kube.pod_status import shortened

_KEYS = """
    metadata spec status name uid labels containers containerStatuses conditions type Ready state lastState running
    terminated waiting startedAt restartCount ready ownerReferences kind controller replicas template endpoints
    addresses items podIP initContainers initContainerStatuses restartPolicy readinessGates conditionType finalizers
    reason message exitCode signal lastTransitionTime
"""
WORDS = st.sampled_from(_KEYS.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS | st.datetimes().map(str)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
)
READY_POD: dict[str, Any] = {
    "metadata": {
        "name": "diego-api-0",
        "uid": "u0",
        "resourceVersion": "7",
        "labels": {"controller-revision-hash": "r1", "skiff-role-active": "true"},
        "creationTimestamp": "2026-11-20T10:00:00Z",
        "ownerReferences": [{"kind": "StatefulSet", "name": "diego-api", "controller": True}],
    },
    "spec": {"nodeName": "node-0", "containers": [{"name": "diego-api"}, {"name": "loggregator-agent"}]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-20T10:01:00Z"}],
        "containerStatuses": [
            {
                "name": "diego-api",
                "ready": True,
                "restartCount": 2,
                "state": {"running": {"startedAt": "2026-11-20T10:00:30Z"}},
                "lastState": {"terminated": {"startedAt": "2026-11-20T10:00:10Z"}},
            }
        ],
    },
}


@given(JSON)
def test_no_json_breaks_a_reader(source: Any) -> None:
    for read in (objects.pod, objects.statefulset, objects.items, objects.ready_addresses, objects.time):
        read(source)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON))
def test_no_object_of_the_right_outline_breaks_a_reader(source: Any) -> None:
    found = objects.pod(source)
    assert isinstance(found.name, str)
    assert all(isinstance(each.name, str) for each in found.containers)
    assert isinstance(objects.statefulset(source).replicas, int)


@given(st.text() | st.datetimes().map(datetime.isoformat) | st.datetimes().map(lambda at: f"{at.isoformat()}+14:00"))
def test_no_timestamp_breaks_the_clock(text: str) -> None:
    found = objects.time(text)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "soon", "", None, 7])
def test_a_time_that_is_none_is_none(text: object) -> None:
    assert objects.time(text) is None


@pytest.mark.parametrize("text", ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.000000Z", "2026-11-23T13:00:00+01:00"])
def test_a_time_is_read_in_utc(text: str) -> None:
    assert objects.time(text) == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_moment_is_written_as_kubernetes_writes_it() -> None:
    assert objects.timestamp(datetime(2026, 11, 23, 12, tzinfo=UTC)) == "2026-11-23T12:00:00Z"


def test_a_pod_is_read_with_everything_that_matters() -> None:
    found = objects.pod(READY_POD)
    labels = {"controller-revision-hash": "r1", "skiff-role-active": "true"}
    created, since = (datetime(2026, 11, 20, 10, minute, tzinfo=UTC) for minute in (0, 1))
    identity = ("diego-api-0", "u0", "7", labels, created, None)
    runs = ("Running", "10.0.0.1", "node-0", "diego-api", "True", since, (), ())
    rest = ("", "", (("Ready", "True", "", "", since),), (), (), "StatefulSet diego-api")
    assert astuple(replace(found, containers=())) == (*identity, *runs, *rest)
    assert (found.revision, found.terminating) == ("r1", False)
    assert found.containers[0] == Container(
        name="diego-api",
        ready=True,
        restarts=2,
        started_at=datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC),
        last_started_at=datetime(2026, 11, 20, 10, 0, 10, tzinfo=UTC),
    )


def test_a_container_without_a_status_counts_as_not_ready() -> None:
    found = objects.pod(READY_POD)
    waits, ends, starts = (None, ""), (None, None, None, None, ""), (False, False)
    assert astuple(found.containers[1]) == ("loggregator-agent", False, 0, None, None, *waits, *ends, *starts)
    assert not found.all_ready


def test_a_pod_without_containers_is_not_all_ready() -> None:
    assert not objects.pod({}).all_ready


def test_the_start_of_a_run_that_has_just_ended_is_known() -> None:
    status = {"name": "a", "state": {"terminated": {"startedAt": "2026-11-20T10:00:10Z"}}}
    found = objects.pod({"status": {"containerStatuses": [status]}}).containers[0]
    assert found.last_started_at == datetime(2026, 11, 20, 10, 0, 10, tzinfo=UTC)


def test_an_owner_that_does_not_control_is_none() -> None:
    owner = {"kind": "StatefulSet", "name": "other"}
    assert objects.pod({"metadata": {"ownerReferences": [owner]}}).owner is None


def test_a_number_that_is_none_is_not_made_one() -> None:
    status = {"name": "a", "restartCount": "many", "ready": "yes"}
    found = objects.pod({"status": {"containerStatuses": [status]}}).containers[0]
    assert (found.restarts, found.ready) == (0, False)


def test_labels_that_are_no_text_are_left_out() -> None:
    assert objects.pod({"metadata": {"labels": {"a": "b", "c": 1}}}).labels == {"a": "b"}


def test_a_statefulset_is_read_with_the_apis_defaults() -> None:
    found = objects.statefulset({"metadata": {"name": "diego-api"}})
    assert (found.replicas, found.update_strategy, found.partition, found.grace_seconds) == (1, "RollingUpdate", 0, 30)


def test_ready_addresses_are_those_that_are_not_said_to_be_unready() -> None:
    endpoints = [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        {"addresses": ["10.0.0.3"]},
        {"addresses": "10.0.0.4"},
        {"addresses": [{}, 5]},
        {"conditions": []},
        "junk",
    ]
    assert objects.ready_addresses({"endpoints": endpoints}) == ("10.0.0.1", "10.0.0.3")


def test_a_dual_stack_service_has_each_pod_once() -> None:
    both = [
        {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}]},
        {"addressType": "IPv6", "endpoints": [{"addresses": ["fd00::1"]}]},
    ]
    assert objects.endpoints(both) == Endpoints(slices=2, ready=2)


def test_a_service_that_selects_nobody_has_a_slice_and_one_that_is_not_there_has_none() -> None:
    assert objects.endpoints([{"addressType": "IPv4", "endpoints": []}]) == Endpoints(slices=1, ready=0)
    assert objects.endpoints([]) == Endpoints(slices=0, ready=0)


def test_a_pod_that_is_odd_in_every_way_is_read() -> None:
    found = objects.pod(
        {
            "metadata": {
                "finalizers": ["example.com/keep", 5],
                "ownerReferences": [{"kind": "ReplicaSet", "name": "diego-api-79c", "controller": True}],
            },
            "spec": {
                "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}],
                "readinessGates": [{"conditionType": "gate"}, {}, {"conditionType": "met"}],
            },
            "status": {
                "reason": "Evicted",
                "message": "The node was low on memory.",
                "conditions": [
                    {"type": "Initialized", "status": "False", "lastTransitionTime": "2026-11-23T11:00:00Z"},
                    {"type": "met", "status": "True"},
                ],
                "initContainerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 1, "signal": 9}}}],
            },
        }
    )
    assert (found.owner, found.controller) == (None, "ReplicaSet diego-api-79c")
    assert (found.reason, found.message) == ("Evicted", "The node was low on memory.")
    assert (found.finalizers, found.unmet_gates) == (("example.com/keep",), ("gate", ""))
    assert [(each.name, each.sidecar, each.ended) for each in found.init_containers] == [
        ("a", False, "Signal:9"),
        ("b", True, None),
    ]
    assert found.conditions[0].since == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_a_native_sidecar_counts_as_kubectl_counts_it() -> None:
    runs = {"ready": True, "state": {"running": {"startedAt": "2026-11-20T10:00:00Z"}}}
    found = objects.pod(
        {
            "spec": {
                "initContainers": [{"name": "init"}, {"name": "proxy", "restartPolicy": "Always"}],
                "containers": [{"name": "bbs"}],
            },
            "status": {
                "containerStatuses": [{"name": "bbs", **runs}],
                "initContainerStatuses": [{"name": "proxy", **runs, "ready": False}],
            },
        }
    )
    assert [each.name for each in found.counted] == ["proxy", "bbs"]
    assert not found.all_ready


@pytest.mark.parametrize(
    ("labels", "expected"), [({"a": "b", "c": "d", "e": "f"}, True), ({"a": "b", "c": "e"}, False), ({}, False)]
)
def test_a_selector_matches_what_has_all_it_asks_for(labels: dict[str, str], *, expected: bool) -> None:
    assert objects.matches(labels, {"a": "b", "c": "d"}) is expected


def test_a_message_takes_160_characters_of_a_sentence() -> None:
    assert [shortened("x" * size) for size in (160, 161)] == ["x" * 160, "x" * 159 + "…"]
