"""The `status` that a kubelet writes for a pod. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator.clock import timestamp
from simulator.container import Container, State

Object = dict[str, Any]


def running_status(
    containers: Sequence[Container], ip: str, host_ip: str, started: datetime, ready_since: datetime
) -> Object:
    """Give the status of a pod whose containers have been started. `ready_since`: when Ready last changed."""
    ready = all(container.ready for container in containers)
    changed = timestamp(ready_since)
    return {
        "phase": "Running" if all(container.started for container in containers) else "Pending",
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": timestamp(started),
        "conditions": [
            _condition("PodScheduled", "True", timestamp(started)),
            _condition("Initialized", "True", timestamp(started)),
            _condition("ContainersReady", str(ready), changed),
            _condition("Ready", str(ready), changed),
        ],
        "containerStatuses": [_container_status(container) for container in containers],
    }


def lost_node_conditions(conditions: Sequence[Object], now: datetime) -> list[Object]:
    """Give the conditions that the node controller leaves on a pod of a node that it no longer hears of.

    Source: kubernetes:pkg/controller/util/node/controller_utils.go (MarkPodsNotReady).
    """
    return [
        {**condition, "status": "False", "lastTransitionTime": timestamp(now)}
        if condition["type"] == "Ready"
        else condition
        for condition in conditions
    ]


def unschedulable_status(now: datetime) -> Object:
    """Give the status of a pod for which no node has room."""
    condition = _condition("PodScheduled", "False", timestamp(now)) | {
        "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 Insufficient memory.",
    }
    return {"phase": "Pending", "conditions": [condition]}


def _condition(kind: str, status: str, changed: str) -> Object:
    return {"type": kind, "status": status, "lastTransitionTime": changed}


def _container_status(container: Container) -> Object:
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": f"{container.image}@sha256:{'0' * 64}",
        "containerID": f"simulated://{container.name}-{container.restarts}",
        "ready": container.ready,
        "started": container.ready,
        "restartCount": container.restarts,
        "state": _state(container),
        "lastState": {},
    }
    if container.last is not None and container.state is not State.TERMINATED:
        status["lastState"] = {"terminated": _terminated(container)}
    return status


def _state(container: Container) -> Object:
    if container.state is State.RUNNING and container.started is not None:
        return {"running": {"startedAt": timestamp(container.started)}}
    if container.state is State.TERMINATED and container.last is not None:
        return {"terminated": _terminated(container)}
    if container.last is not None:
        return {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}}
    return {"waiting": {"reason": "ContainerCreating"}}


def _terminated(container: Container) -> Object:
    last = container.last
    if last is None:
        return {}
    return {
        "exitCode": last.exit_code,
        "reason": "Completed" if last.exit_code == 0 else "Error",
        "startedAt": timestamp(last.started),
        "finishedAt": timestamp(last.finished),
    }
