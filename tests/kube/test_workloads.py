"""Reading what an observation is made of, and the one change that is ever made to a pod."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import Forbidden, MalformedResponse
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Endpoints
from tests.diego import observations
from tests.kube.api_server import ApiServer, answering, refusing

PODS = "/api/v1/namespaces/cf/pods"
SET = "/apis/apps/v1/namespaces/cf/statefulsets/diego-api"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/cf/endpointslices"
ENOUGH = 60.0


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-of-{name}"}}


async def test_pods_are_listed_by_selector_and_sorted_by_name(server: ApiServer, kube: Kube) -> None:
    server.answers[PODS] = answering({"items": [named("b"), named("a")]})
    found = await workloads.list_pods(kube, "cf", "skiff-role-name=diego-api", timeout=ENOUGH)
    assert [each.name for each in found.pods] == ["a", "b"]
    assert found.date == observations.NOW
    assert server.requests[0].query == {"labelSelector": "skiff-role-name=diego-api"}


@pytest.mark.parametrize(
    "listing",
    [
        {},
        {"items": None},
        {"items": {}},
        {"items": [named("a"), None]},
        {"items": [{}]},
        {"items": [{"metadata": {"name": "a"}}]},
    ],
)
async def test_a_list_is_never_made_shorter_than_the_truth(
    listing: dict[str, Any], server: ApiServer, kube: Kube
) -> None:
    server.answers[PODS] = answering(listing)
    with pytest.raises(MalformedResponse):
        await workloads.list_pods(kube, "cf", "a=b", timeout=ENOUGH)


async def test_a_statefulset_that_is_not_there_is_none(kube: Kube) -> None:
    assert await workloads.get_statefulset(kube, "cf", "diego-api", timeout=ENOUGH) is None


async def test_a_statefulset_that_may_not_be_read_is_not_absent(server: ApiServer, kube: Kube) -> None:
    server.answers[SET] = refusing(403)
    with pytest.raises(Forbidden):
        await workloads.get_statefulset(kube, "cf", "diego-api", timeout=ENOUGH)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"metadata": {"name": "other"}, "spec": {}},
        {"metadata": {"name": "diego-api"}},
        {"metadata": {"name": "diego-api"}, "spec": {"replicas": "two"}},
        {"metadata": {"name": "diego-api"}, "spec": {"replicas": None}},
    ],
)
async def test_a_statefulset_without_a_number_of_replicas_gets_none_invented(
    answer: dict[str, Any], server: ApiServer, kube: Kube
) -> None:
    server.answers[SET] = answering(answer)
    with pytest.raises(MalformedResponse):
        await workloads.get_statefulset(kube, "cf", "diego-api", timeout=ENOUGH)


async def test_all_statefulsets_are_read_sorted_by_name_or_none(server: ApiServer, kube: Kube) -> None:
    path = SET.removesuffix("/diego-api")
    server.answers[path] = answering({"items": [named("b"), named("a")]})
    found = await workloads.list_statefulsets(kube, "cf", timeout=ENOUGH)
    assert ([each.name for each in found.sets], found.date) == (["a", "b"], observations.NOW)
    server.answers[path] = answering({"items": [named("a"), {"metadata": {}}]})
    with pytest.raises(MalformedResponse, match="one that has no name"):
        await workloads.list_statefulsets(kube, "cf", timeout=ENOUGH)


async def test_ready_addresses_are_counted_once_over_all_slices(server: ApiServer, kube: Kube) -> None:
    one = {"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}
    server.answers[SLICES] = answering({"items": [one, one, {"endpoints": [{"addresses": ["10.0.0.2"]}]}]})
    assert await workloads.endpoints(kube, "cf", "diego-api", timeout=ENOUGH) == Endpoints(slices=3, ready=2)
    assert server.requests[0].query == {"labelSelector": "kubernetes.io/service-name=diego-api"}


async def test_a_pod_is_deleted_only_as_it_was_seen_and_gently(server: ApiServer, kube: Kube) -> None:
    server.answers[f"{PODS}/diego-api-0"] = answering({})
    await workloads.delete_pod(kube, "cf", observations.pod(0), timeout=ENOUGH)
    asked = server.requests[0]
    assert asked.method == "DELETE"
    options = json.loads(asked.body)
    assert options["preconditions"] == {"uid": "uid-0", "resourceVersion": "100"}
    assert "gracePeriodSeconds" not in options


# Events


@pytest.mark.parametrize(("host", "instance"), [("sk-1", "sk-1"), ("h" * 129, "h" * 128), ("", "unknown")])
async def test_an_event_is_created_as_the_api_takes_it(
    host: str, instance: str, server: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    path = "/apis/events.k8s.io/v1/namespaces/cf/events"
    server.answers[path] = answering({}, 201)
    about, owner = events.pod(observations.pod()), events.statefulset(observations.workload())
    told = Event(about, "Restarted", "n" * 1025, "Delete", observations.NOW, owner)
    told = replace(told, warning=True) if host else told
    await events.emit(kube, "cf", told, timeout=ENOUGH)
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert json.loads(server.requests[0].body) == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "diego-api-0-", "namespace": "cf"},
        "eventTime": "2026-11-23T12:00:00.000000Z",
        "reportingController": "stagekeeper.dev/remediator",
        "reportingInstance": instance,
        "action": "Delete",
        "reason": "Restarted",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "diego-api-0", "uid": "uid-0", "namespace": "cf"},
        "related": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": "diego-api",
            "uid": "uid-of-diego-api",
            "namespace": "cf",
        },
        "note": "n" * 1024,
        "type": "Warning" if host else "Normal",
    }
