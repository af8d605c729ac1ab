"""A pod's manifest as the API gives it, from the few lines in which shapes.yaml says what is odd about it.

What a shape does not say is as a kubelet writes it for a pod that has run for three days. Times are given as ages.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from stagekeeper.kube.objects import timestamp
from tests.diego.observations import NOW

Json = dict[str, Any]
_THREE_DAYS = 259_200
_CONTAINERS: Mapping[str, Json] = {"diego-api": {}, "loggregator-agent": {}}
_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def ago(seconds: float) -> str:
    """The moment so many seconds before the observation, as Kubernetes writes it."""
    return timestamp(NOW - timedelta(seconds=seconds))


def manifest(name: str, shape: Json) -> Json:
    """The pod `name` in that shape."""
    age = shape.get("age", _THREE_DAYS)
    containers = shape.get("containers", _CONTAINERS)
    inits, ephemeral = shape.get("init", {}), shape.get("ephemeral", {})
    ended = shape.get("phase") in {"Succeeded", "Failed"}
    ready = all(_is_ready(each) for each in containers.values())
    metadata = {
        "name": name,
        "uid": f"uid-of-{name}",
        "resourceVersion": "7",
        "creationTimestamp": ago(age),
        "generateName": f"{name.rpartition('-')[0]}-",
        "labels": {
            "skiff-role-name": "diego-api",
            "skiff-role-active": shape.get("label", "false"),
            "controller-revision-hash": "diego-api-5d8f",
        },
        "ownerReferences": [_owner(shape.get("owner", "StatefulSet diego-api"))] if shape.get("owner", True) else [],
        **({"finalizers": shape["finalizers"]} if "finalizers" in shape else {}),
    }
    if "ends" in shape:
        metadata |= {"deletionTimestamp": ago(shape["ends"]), "deletionGracePeriodSeconds": 600}
    status: Json = {
        "phase": shape.get("phase", "Running"),
        "conditions": _conditions(shape.get("conditions", {}), age, ready=ready and not ended),
        "containerStatuses": [_status(key, each, age) for key, each in containers.items()],
        "hostIP": "192.0.2.1",
        "qosClass": "Burstable",
        "startTime": ago(age),
        **{key: shape[key] for key in ("reason", "message") if key in shape},
    }
    if inits:
        status["initContainerStatuses"] = [_status(key, each, age) for key, each in inits.items()]
    if ephemeral:
        status["ephemeralContainerStatuses"] = [_status(key, each, age) for key, each in ephemeral.items()]
    if shape.get("ip", True):
        status |= {"podIP": shape.get("ip", "10.244.0.10"), "podIPs": [{"ip": shape.get("ip", "10.244.0.10")}]}
    if not shape.get("node", True):
        del status["containerStatuses"]  # no kubelet has seen it
    if "bare" in shape:  # nobody but the API server has written anything yet
        status = {"phase": "Pending", "qosClass": "Burstable"}
    spec: Json = {
        "containers": [{"name": key, "image": "scf/diego-api:1"} for key in containers],
        "initContainers": [{"name": key, **_policy(each)} for key, each in inits.items()],
        "ephemeralContainers": [{"name": key} for key in ephemeral],
        "readinessGates": [{"conditionType": each} for each in shape.get("gates", [])],
        "terminationGracePeriodSeconds": 600,
        "restartPolicy": "Always",
    }
    if shape.get("node", True):
        spec["nodeName"] = "node-a"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _owner(given: str) -> Json:
    kind, _, name = given.partition(" ")
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "uid": "s"}


def _policy(shape: Json) -> Json:
    return {"restartPolicy": "Always"} if shape.get("sidecar") else {}


def _is_ready(shape: Json) -> bool:
    return bool(shape.get("ready", not {"waiting", "terminated"} & shape.keys()))


def _status(name: str, shape: Json, age: float) -> Json:
    """An entry of `containerStatuses`: running since the pod is there, unless the shape says otherwise."""
    if "waiting" in shape:
        state = {"waiting": _reason(shape["waiting"])}
    elif "terminated" in shape:
        state = {"terminated": _run(shape["terminated"])}
    else:
        state = {"running": {"startedAt": ago(shape.get("running", age))}}
    return {
        "name": name,
        "ready": _is_ready(shape),
        "started": shape.get("started", "running" in state),
        "restartCount": shape.get("restarts", 0),
        "state": state,
        "lastState": {"terminated": _run(shape["last"])} if "last" in shape else {},
        "image": "scf/diego-api:1",
        "imageID": "",
    }


def _reason(given: str) -> Json:
    reason, _, message = given.partition(": ")
    return {"reason": reason, **({"message": message} if message else {})}


def _run(shape: Any) -> Json:
    """A run that has ended: `[reason: message, exit code, age of its start, age of its end]`."""
    reason, code, began, ended = shape
    times = {"exitCode": code, "startedAt": ago(began), "finishedAt": ago(ended)}
    return times | (_reason(reason) if reason else {})


def _conditions(given: Mapping[str, Any], age: float, *, ready: bool) -> list[Json]:
    """The five that every kubelet and scheduler write, and what else the shape has: `status, age, reason: message`."""
    found = []
    for type_ in dict.fromkeys((*_CONDITIONS, *given)):
        if given.get(type_) is False:  # nobody has written it
            continue
        plain = [str(ready or type_ not in {"Ready", "ContainersReady"}), age]
        status, since, *said = given.get(type_, plain)
        condition = {"type": type_, "status": str(status), "lastProbeTime": None, "lastTransitionTime": ago(since)}
        found.append(condition | (_reason(said[0]) if said else {}))
    return found
