"""The endpoints controllers of the simulated API: Service selector and Ready pods give Endpoints and EndpointSlices."""

from functools import partial
from typing import Any

from simulator.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES, Resource
from simulator.selectors import matches
from simulator.statefulset import is_ready, is_terminating
from simulator.store import Object, Store

_SERVICE_LABEL = "kubernetes.io/service-name"


def reconcile_endpoints(store: Store) -> None:
    """Make one pass over all Services; what is right already is not written."""
    for service in store.select(SERVICES):
        selector = service["spec"].get("selector")
        if not selector:
            continue
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        pods = [
            pod
            for pod in store.select(PODS, namespace, partial(matches, selector))
            if pod.get("status", {}).get("podIP")
        ]
        metadata = {"name": name, "namespace": namespace}
        _write(store, ENDPOINTS, {"metadata": metadata, "subsets": _subsets(service, pods)})
        _write(store, ENDPOINT_SLICES, _slice(service, pods, metadata))


def _write(store: Store, resource: Resource, wanted: Object) -> None:
    name, namespace = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
    if store.select(resource, namespace, fields=lambda item: bool(item["metadata"]["name"] == name)):
        store.replace(resource, namespace, name, wanted)
    else:
        store.create(resource, namespace, wanted)


def _slice(service: Object, pods: list[Object], metadata: Object) -> Object:
    name = metadata["name"]
    return {
        "metadata": metadata | {"name": f"{name}-slice", "labels": {_SERVICE_LABEL: name}},
        "addressType": "IPv4",
        "endpoints": [_slice_endpoint(pod) for pod in pods],
        "ports": _ports(service),
    }


def _subsets(service: Object, pods: list[Object]) -> list[Object]:
    living = [pod for pod in pods if not is_terminating(pod)]
    ready = [_address(pod) for pod in living if is_ready(pod)]
    not_ready = [_address(pod) for pod in living if not is_ready(pod)]
    if not living:
        return []
    subset: Object = {"ports": _ports(service)}
    if ready:
        subset["addresses"] = ready
    if not_ready:
        subset["notReadyAddresses"] = not_ready
    return [subset]


def _ports(service: Object) -> list[dict[str, Any]]:
    return [
        {"name": port.get("name", ""), "port": port.get("targetPort", port["port"]), "protocol": "TCP"}
        for port in service["spec"]["ports"]
    ]


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName"), "targetRef": _reference(pod)}


def _slice_endpoint(pod: Object) -> Object:
    terminating, ready = is_terminating(pod), is_ready(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not terminating, "serving": ready, "terminating": terminating},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": _reference(pod),
    }


def _reference(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
