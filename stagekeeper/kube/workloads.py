"""Reading the objects that an observation is made of, and the one change we ever make to a pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stagekeeper.kube import objects
from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.errors import MalformedResponse, NotFound
from stagekeeper.kube.objects import Endpoints, Pod, StatefulSet


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods that a selector found, and the API server's time of that reading."""

    pods: tuple[Pod, ...]
    date: datetime


async def list_pods(kube: Kube, namespace: str, selector: str, *, timeout: float) -> Pods:
    """The pods of `namespace` that match `selector`, sorted by name: a consistent LIST, never a cache."""
    answer = await kube.get(f"/api/v1/namespaces/{namespace}/pods", timeout=timeout, query={"labelSelector": selector})
    found = [objects.pod(each) for each in _items(answer.body)]
    if not all(each.name and each.uid for each in found):
        raise MalformedResponse("The API answered a request for pods with a pod that has no name or no UID.")
    return Pods(tuple(sorted(found, key=lambda pod: pod.name)), answer.date)


async def get_statefulset(kube: Kube, namespace: str, name: str, *, timeout: float) -> StatefulSet | None:
    """The StatefulSet `name`; None when the API says that there is none."""
    try:
        answer = await kube.get(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}", timeout=timeout)
    except NotFound:
        return None
    found = objects.statefulset(answer.body)
    spec = answer.body.get("spec")
    if found.name != name or not isinstance(spec, Mapping) or not isinstance(spec.get("replicas", 1), int):
        raise MalformedResponse(f"The API answered a request for StatefulSet {name} with something else.")
    return found


@dataclass(frozen=True, slots=True)
class StatefulSets:
    """The StatefulSets of a namespace, and the API server's time of that reading."""

    sets: tuple[StatefulSet, ...]
    date: datetime


async def list_statefulsets(kube: Kube, namespace: str, *, timeout: float) -> StatefulSets:
    """All StatefulSets of `namespace`, sorted by name."""
    answer = await kube.get(f"/apis/apps/v1/namespaces/{namespace}/statefulsets", timeout=timeout)
    found = [objects.statefulset(each) for each in _items(answer.body)]
    if not all(each.name for each in found):
        raise MalformedResponse("The API answered a request for StatefulSets with one that has no name.")
    return StatefulSets(tuple(sorted(found, key=lambda each: each.name)), answer.date)


async def endpoints(kube: Kube, namespace: str, service: str, *, timeout: float) -> Endpoints:
    """What stands behind `service`, by its EndpointSlices."""
    answer = await kube.get(
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        timeout=timeout,
        query={"labelSelector": f"kubernetes.io/service-name={service}"},
    )
    return objects.endpoints(_items(answer.body))


async def delete_pod(kube: Kube, namespace: str, pod: Pod, *, timeout: float) -> None:
    """Delete exactly the pod that was looked at, gently: its own grace period, and only if nothing about it changed.

    Raises `NotFound` when it is gone and `Conflict` when it is another pod by now (UID) or has changed since the
    look (resourceVersion: the label PATCH of a pod that became active bumps it).
    """
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": pod.uid, "resourceVersion": pod.resource_version},
    }
    await kube.send(Call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod.name}", body=options), timeout=timeout)


def _items(listing: Mapping[str, Any]) -> list[objects.Json]:
    """The objects of a list. Leaving out what is not one would make the list shorter than the truth."""
    given = listing.get("items")
    found = objects.items(listing)
    if not isinstance(given, list) or len(found) < len(given):
        raise MalformedResponse("The API answered a list request with something that is not a list of objects.")
    return found
