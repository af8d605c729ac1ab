"""Kubernetes Events (events.k8s.io/v1): what happened, where `kubectl describe` of the object shows it."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.objects import Pod, StatefulSet
from stagekeeper.kube.remediations import GROUP, KIND, VERSION

CONTROLLER = "stagekeeper.dev/remediator"
LONGEST_NOTE, LONGEST_INSTANCE = 1024, 128
"""What the API accepts, in bytes: it counts with Go's len()."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that an Event is about, or that has to do with it."""

    api_version: str
    kind: str
    name: str
    uid: str


def statefulset(found: StatefulSet) -> Reference:
    """A StatefulSet."""
    return Reference("apps/v1", "StatefulSet", found.name, found.uid)


def pod(found: Pod) -> Reference:
    """A pod."""
    return Reference("v1", "Pod", found.name, found.uid)


def remediation(name: str, uid: str) -> Reference:
    """A record of ours."""
    return Reference(f"{GROUP}/{VERSION}", KIND, name, uid)


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be told of `regarding`; `action` is what was done or asked for, in one word."""

    regarding: Reference
    reason: str
    note: str
    action: str
    at: datetime
    related: Reference | None = None
    warning: bool = False


async def emit(kube: Kube, namespace: str, event: Event, *, timeout: float) -> None:
    """Create the Event. Raises `KubeError`; an Event that is lost changes nothing else."""
    body = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": f"{event.regarding.name}-", "namespace": namespace},
        "eventTime": f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "reportingController": CONTROLLER,
        "reportingInstance": (socket.gethostname() or "unknown")[:LONGEST_INSTANCE],
        "action": event.action,
        "reason": event.reason,
        "regarding": _spelled(event.regarding, namespace),
        "note": event.note.encode(errors="replace")[:LONGEST_NOTE].decode(errors="ignore"),
        "type": "Warning" if event.warning else "Normal",
    }
    if event.related is not None:
        body["related"] = _spelled(event.related, namespace)
    path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    await kube.send(Call("POST", path, body=body), timeout=timeout)


def _spelled(about: Reference, namespace: str) -> dict[str, Any]:
    spelled = {"apiVersion": about.api_version, "kind": about.kind, "name": about.name, "uid": about.uid}
    return {**spelled, "namespace": namespace}
