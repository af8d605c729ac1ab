"""Kubernetes Events: what happened, where `kubectl describe statefulset` shows it."""

from datetime import datetime

from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.objects import StatefulSet, timestamp

COMPONENT = "stagekeeper-remediator"
LONGEST_MESSAGE = 1024
"""Characters that the API accepts."""


async def emit(  # noqa: PLR0913 -- an Event has this many parts
    kube: Kube,
    namespace: str,
    about: StatefulSet,
    *,
    reason: str,
    message: str,
    warning: bool,
    at: datetime,
    timeout: float,
) -> None:
    """One Event about a StatefulSet. Raises `KubeError`; an Event that is lost changes nothing else."""
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{about.name}.", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": about.name,
            "namespace": namespace,
            "uid": about.uid,
        },
        "reason": reason,
        "message": message[:LONGEST_MESSAGE],
        "type": "Warning" if warning else "Normal",
        "source": {"component": COMPONENT},
        "firstTimestamp": timestamp(at),
        "lastTimestamp": timestamp(at),
        "count": 1,
    }
    await kube.send(Call("POST", f"/api/v1/namespaces/{namespace}/events", body=body), timeout=timeout)
