"""An environment whose API server a test plays: two pods, a StatefulSet, and whatever else a test adds."""

from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from stagekeeper.diego.observation import Observation
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Kube
from tests.kube import api_server
from tests.kube.api_server import ApiServer

BBS, LOCKET, CC = "skiff-role-name=diego-api", "skiff-role-name=diego-locket", "skiff-role-name=api"
PODS = "/api/v1/namespaces/cf/pods"
SETS = "/apis/apps/v1/namespaces/cf/statefulsets"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/cf/endpointslices"
ENOUGH = 60.0
"""Seconds for an observation that is expected to end by itself."""


def pod(name: str, *, ip: str | None = "127.0.0.1", uid: str | None = None, **changes: Any) -> dict[str, Any]:
    """A pod as the API lists it."""
    labels = changes.pop("labels", {"skiff-role-active": "false"})
    ready = {"type": "Ready", "status": changes.pop("ready", "True")}
    status = {"name": "diego-api", "ready": True, "state": {"running": {"startedAt": "2026-11-20T10:00:00Z"}}}
    return {
        "metadata": {"name": name, "uid": uid or f"uid-of-{name}", "labels": labels, **changes},
        "spec": {"containers": [{"name": "diego-api"}]},
        "status": {"phase": "Running", "podIP": ip, "conditions": [ready], "containerStatuses": [status]},
    }


def statefulset(name: str = "diego-api", replicas: int = 2) -> dict[str, Any]:
    """A StatefulSet as the API gives it."""
    return {"metadata": {"name": name, "generation": 1}, "spec": {"replicas": replicas}, "status": {}}


@dataclass
class Cluster:
    """An environment with its API server; a test changes what it answers."""

    api: ApiServer
    kube: Kube
    environment: Environment

    def pods(self, *listings: list[dict[str, Any]], selector: str = BBS) -> None:
        """What a LIST shows, one after the other; the last for ever."""
        self._lists[selector] = [*listings]
        self.api.answers[PODS] = self._list

    async def _list(self, request: web.Request) -> web.StreamResponse:
        listings = self._lists[request.query["labelSelector"]]
        items = listings.pop(0) if len(listings) > 1 else listings[0]
        return web.json_response({"items": items}, headers={"Date": api_server.DATE})

    def __post_init__(self) -> None:
        self._lists: dict[str, list[list[dict[str, Any]]]] = {}

    def with_(self, **changes: Any) -> "Cluster":
        """The same world, its environment configured otherwise."""
        other = Cluster(self.api, self.kube, replace(self.environment, **changes))
        other._lists = self._lists
        return other

    async def observe(self, within: float = ENOUGH) -> Observation:
        """One observation of a new observer."""
        return await Observer(self.environment, self.kube).observe(within)
