"""The custom resource `Remediation`, as raw objects: list, create, read, swap the status, delete.

What the fields mean is the remediator's business; here is only how they travel.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.errors import NotFound

GROUP, VERSION, PLURAL, KIND = "stagekeeper.dev", "v1alpha1", "remediations", "Remediation"


@dataclass(frozen=True, slots=True)
class RecordList:
    """What was kept of the records of a namespace, and the API server's time."""

    items: Sequence[Any]
    date: datetime


class Remediations:
    """The records of one namespace. Each method raises `KubeError`, in `timeout` seconds at most."""

    def __init__(self, kube: Kube, namespace: str, timeout: float) -> None:
        self._kube, self._namespace, self._timeout = kube, namespace, timeout
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"

    async def list(self, kept: Callable[[Any], object]) -> RecordList:
        """What is `kept` of all records as they were at one moment, read in pages; without what is None.

        A consistent read: no resourceVersion in the request, so never from a stale cache.
        """
        try:
            answer = await self._kube.list_all(self._path, timeout=self._timeout, kept=kept)
        except NotFound as problem:
            raise NotFound(
                f"The custom resource {KIND} ({PLURAL}.{GROUP}) is not installed in this cluster, so nothing can be "
                "recorded. Install it: kubectl apply -f charts/stagekeeper/crds/remediations.yaml"
            ) from problem
        return RecordList(answer.body["items"], answer.date)

    async def get(self, name: str) -> Mapping[str, Any]:
        """One record. Raises `NotFound`."""
        return (await self._kube.get(f"{self._path}/{name}", timeout=self._timeout)).body

    async def create(self, name: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new record with an empty status. Raises `AlreadyExists` if somebody was first."""
        record = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": name, "namespace": self._namespace, "labels": dict(labels)},
            "spec": dict(spec),
        }
        return (await self._kube.send(Call("POST", self._path, body=record), timeout=self._timeout)).body

    async def swap_status(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the status, only if the record is still the one that was read (its resourceVersion)."""
        name = record["metadata"]["name"]
        call = Call("PUT", f"{self._path}/{name}/status", body=record)
        return (await self._kube.send(call, timeout=self._timeout)).body

    async def delete(self, name: str, uid: str) -> None:
        """Delete one old record, and only that one."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._kube.send(Call("DELETE", f"{self._path}/{name}", body=options), timeout=self._timeout)
