"""Reading the objects that a look is made of, and the one change we ever make to a pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stagekeeper.kube import objects
from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.errors import Nonsense, NotFound
from stagekeeper.kube.objects import Pod, StatefulSet


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods that a selector found, and the API server's time of that reading."""

    pods: tuple[Pod, ...]
    date: datetime


async def list_pods(kube: Kube, namespace: str, selector: str, *, timeout: float) -> Pods:
    """The pods of `namespace` that match `selector`, sorted by name: a consistent LIST, never a cache."""
    answer = await kube.get(f"/api/v1/namespaces/{namespace}/pods", timeout=timeout, query={"labelSelector": selector})
    found = (objects.pod(each) for each in _items(answer.body))
    return Pods(tuple(sorted((each for each in found if each.name), key=lambda pod: pod.name)), answer.date)


async def get_statefulset(kube: Kube, namespace: str, name: str, *, timeout: float) -> StatefulSet | None:
    """The StatefulSet `name`; None when the API says that there is none."""
    try:
        answer = await kube.get(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}", timeout=timeout)
    except NotFound:
        return None
    found = objects.statefulset(answer.body)
    if found.name != name:
        raise Nonsense(f"The API answered a request for StatefulSet {name} with something else.")
    return found


async def ready_addresses(kube: Kube, namespace: str, service: str, *, timeout: float) -> int:
    """How many ready addresses stand behind `service`, counted in its EndpointSlices."""
    answer = await kube.get(
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        timeout=timeout,
        query={"labelSelector": f"kubernetes.io/service-name={service}"},
    )
    return len({address for each in _items(answer.body) for address in _ready(each)})


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
    if not isinstance(listing.get("items"), list):
        raise Nonsense("The API answered a list request with something that is not a list.")
    return objects.items(listing)


def _ready(slice_: objects.Json) -> list[str]:
    endpoints = slice_.get("endpoints")
    return [
        address
        for endpoint in (endpoints if isinstance(endpoints, list) else [])
        if isinstance(endpoint, Mapping) and (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or []
    ]
