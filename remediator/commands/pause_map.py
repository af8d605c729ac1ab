"""The ConfigMap that pauses the remediator, as the operator's commands read and write it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remediator import pause
from remediator.commands.operator import Session
from stagekeeper.kube.client import Call
from stagekeeper.kube.errors import NotFound


@dataclass(frozen=True, slots=True)
class PauseMap:
    """The ConfigMap as it is now (None: there is none), and the API server's time."""

    body: Mapping[str, Any] | None
    now: datetime

    @property
    def says(self) -> str:
        """What it says to the remediator, in a sentence; "" if it pauses nothing."""
        found = pause.read(self.body, self.now)
        return found.why if found.paused else ""

    @property
    def version(self) -> Mapping[str, str]:
        """What makes a change hit only this very version."""
        metadata = self.body.get("metadata", {}) if self.body else {}
        return {key: str(metadata[key]) for key in ("uid", "resourceVersion") if key in metadata}


async def find(session: Session) -> PauseMap:
    """Read it. Raises `KubeError`."""
    listed = await session.kube.get(_maps(session), timeout=session.timeout, query={"fieldSelector": _ITSELF})
    items = [each for each in listed.body.get("items") or () if each["metadata"]["name"] == pause.NAME]
    return PauseMap(items[0] if items else None, listed.date)


async def write(session: Session, found: PauseMap, data: Mapping[str, str]) -> None:
    """Create it, or replace what was found. Raises `Conflict` if somebody else was faster, and `KubeError`."""
    metadata = {"name": pause.NAME, "namespace": session.environment.namespace, **found.version}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
    if found.body is None:
        call = Call("POST", _maps(session), body=body)
    else:
        call = Call("PUT", f"{_maps(session)}/{pause.NAME}", body=body)
    await session.kube.send(call, timeout=session.timeout)


async def remove(session: Session, found: PauseMap) -> None:
    """Delete what was found, and only that. Raises `Conflict`, and `KubeError`; one that is gone is fine."""
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": dict(found.version)}
    try:
        await session.kube.send(Call("DELETE", f"{_maps(session)}/{pause.NAME}", body=options), timeout=session.timeout)
    except NotFound:
        return


_ITSELF = f"metadata.name={pause.NAME}"


def _maps(session: Session) -> str:
    return f"/api/v1/namespaces/{session.environment.namespace}/configmaps"
