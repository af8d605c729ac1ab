"""A Kubernetes API as the contract sees it: an address, a token, a namespace, and plain requests."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from simulator.api_client import ApiAccess

Object = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def version(self) -> str:
        """The resourceVersion of the object in it."""
        return str(self.body["metadata"]["resourceVersion"])


@dataclass(frozen=True, slots=True)
class Cluster:
    """One API and a namespace in it that is this test's own."""

    url: str
    token: str
    ca_file: Path
    namespace: str
    session: aiohttp.ClientSession

    @property
    def access(self) -> ApiAccess:
        """How the simulator's actors get in."""
        return ApiAccess(self.url, self.token, self.ca_file)

    @property
    def pods(self) -> str:
        """The path of the namespace's pods."""
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def configmaps(self) -> str:
        """The path of the namespace's ConfigMaps."""
        return f"/api/v1/namespaces/{self.namespace}/configmaps"

    @property
    def remediations(self) -> str:
        """The path of the namespace's Remediations."""
        return f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.namespace}/remediations"

    @property
    def statefulsets(self) -> str:
        """The path of the namespace's StatefulSets."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets"

    async def send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> Reply:
        """Send a request and read the answer, JSON or text."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}", "Content-Type": content_type}
        async with self.session.request(method, self.url + path, json=body, headers=headers) as answer:
            parsed = await (answer.json() if answer.content_type == "application/json" else answer.text())
            return Reply(answer.status, parsed, answer.headers)

    async def get(self, path: str) -> Reply:
        """GET."""
        return await self.send("GET", path)

    async def create(self, path: str, body: Object) -> Reply:
        """POST, which must succeed."""
        reply = await self.send("POST", path, body)
        assert reply.status == 201, reply.body
        return reply

    async def patch(self, path: str, body: Object) -> Reply:
        """Send a merge patch."""
        return await self.send("PATCH", path, body, content_type=MERGE_PATCH)

    async def running_pod(self, name: str = "p", labels: Mapping[str, str] | None = None) -> Reply:
        """Create a pod and bind it to a node, so that it is deleted gracefully."""
        await self.create(self.pods, pod(name, labels))
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "node-0"},
        }
        await self.create(f"{self.pods}/{name}/binding", binding)
        bound = await self.get(f"{self.pods}/{name}")
        # A DELETE without preconditions goes by the API server's cache, which hears of the binding a little later.
        while (await self.get(f"{self.pods}/{name}?resourceVersion=0")).body != bound.body:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return bound


def pod(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """A pod of one container with 600 s of grace."""
    spec = {
        "terminationGracePeriodSeconds": 600,
        "automountServiceAccountToken": False,
        "containers": [{"name": "main", "image": "example.invalid/main:1"}],
    }
    return {"metadata": {"name": name, "labels": dict(labels or {})}, "spec": spec}


def remediation(name: str = "diego-api-r1") -> Object:
    """A remediation as the remediator opens it."""
    return {
        "apiVersion": "stagekeeper.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": name},
        "spec": {"environment": "cf"},
    }
