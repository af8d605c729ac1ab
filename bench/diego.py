"""Diegos on a real Kubernetes API: their objects, and the least that a kubelet does to bring pods to life."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from simulator.api_client import ApiAccess, ApiClient, pods_path
from simulator.certificates import Certificates, make_certificates
from simulator.clock import timestamp
from simulator.layouts import CFEE_2, Layout
from simulator.loopback import LoopbackNetwork, claim_network
from simulator.manifests import manifests
from tests.testbed.binaries import find_binaries
from tests.testbed.control_plane import ControlPlane, control_plane

Object = dict[str, Any]
Change = Callable[[str], Mapping[str, Any]]
"""What is unusual about the pod of this name, in terms of `status`."""
CRD = Path(__file__).parents[1] / "charts/stagekeeper/crds/remediations.yaml"
PATIENCE = {"starting": 0.001, "pending": 600, "migrating": 0.001, "restarted_twice": 600, "terminating": 60}
"""Seconds; pods that the benchmark made a moment ago are to count as old."""
_HANG_GUARD = 120.0
_ALL_RECORDS = "/apis/stagekeeper.dev/v1alpha1/remediations"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A real control plane."""

    plane: ControlPlane
    api: ApiClient

    async def send(self, method: str, path: str, body: Object | None = None) -> Object:
        """A request that must succeed."""
        reply = await self.api.send(method, path, body)
        if not reply.ok:
            raise RuntimeError(f"{method} {path} answered {reply.status}: {reply.body.get('message')}")
        return reply.body


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """A control plane with our custom resource and one node."""
    async with AsyncExitStack() as stack:
        blocking = control_plane(folder, find_binaries())
        plane = await asyncio.to_thread(blocking.__enter__)
        stack.push_async_callback(asyncio.to_thread, blocking.__exit__, None, None, None)
        api = await stack.enter_async_context(ApiClient(ApiAccess(plane.url, plane.token, plane.ca_file), 30.0))
        found = Cluster(plane, api)
        await found.send(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(CRD.read_text())
        )
        await found.send("POST", "/api/v1/nodes", {"metadata": {"name": "node-0"}})
        async with asyncio.timeout(_HANG_GUARD):
            while not (await api.send("GET", _ALL_RECORDS)).ok:  # noqa: ASYNC110 -- an API is polled
                await asyncio.sleep(0.1)
        yield found


def _ordinary(_pod: str) -> Mapping[str, Any]:
    return {}


@dataclass(slots=True)
class Diego:
    """One namespace with a Diego of which the benchmark plays the kubelet."""

    cluster: Cluster
    namespace: str
    layout: Layout
    network: LoopbackNetwork
    certificates: Certificates
    change: Change = field(default=_ordinary)
    deleted: dict[str, str] = field(default_factory=dict)
    """The names of the pods that somebody has deleted, by UID, as far as the kubelet has met them."""
    earlier: frozenset[str] = frozenset()
    """UIDs of pods whose deletion is no news."""
    held: frozenset[str] = frozenset()
    """Pods that the kubelet leaves as they are: one that takes long to end, or that no node has room for."""

    @property
    def remediations(self) -> str:
        """The path of its records."""
        return f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.namespace}/remediations"

    def address(self, pod: str) -> str:
        """The IP address of a pod, by its name: BBS from .10 on, of which there may be 150; others from .200 on."""
        owner, _, ordinal = pod.rpartition("-")
        others = [each.name for each in self.layout.workloads if each is not self.layout.bbs]
        first = 200 + 10 * others.index(owner) if owner in others else 10
        return f"{self.network.prefix}.{first + int(ordinal)}"

    def environment(self, name: str = "cf", *, tls: bool = True, **more: Any) -> Object:
        """It as an entry of the configuration file."""
        files = {
            "ca_file": str(self.certificates.server.ca),
            "cert_file": str(self.certificates.client_certificate),
            "key_file": str(self.certificates.client_key),
            "server_name": self.layout.tls_server_name,
        }
        return {
            "name": name,
            "profile": self.layout.profile,
            "namespace": self.namespace,
            "service": {"host": self.network.bbs_service},
            "patience": PATIENCE,
            **({"tls": files} if tls else {}),
            **more,
        }

    async def pods(self) -> list[Object]:
        """All pods as the API has them now."""
        return await self.cluster.api.pods(self.namespace)

    async def play(self) -> bool:
        """Do what a kubelet would do next for each pod; whether there was nothing to do."""
        pods = await self.pods()
        acted = [await self._care_for(pod) for pod in pods]
        return not any(acted) and len(pods) == sum(each.replicas for each in self.layout.workloads)

    async def settle(self) -> None:
        """Play the kubelet until every pod is there and says of itself what it should."""
        async with asyncio.timeout(_HANG_GUARD):
            while not await self.play():  # noqa: ASYNC110 -- an API is polled
                await asyncio.sleep(0.02)

    async def _care_for(self, pod: Object) -> bool:
        """Whether this pod needed anything."""
        metadata, name = pod["metadata"], pod["metadata"]["name"]
        path = pods_path(self.namespace, name)
        if "deletionTimestamp" in metadata and metadata["uid"] not in self.earlier:
            self.deleted[metadata["uid"]] = name
        if name in self.held:
            return False
        if "deletionTimestamp" in metadata:
            end = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
            await self.cluster.api.send("DELETE", path, end)
        elif not pod["spec"].get("nodeName"):
            binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": "node-0"}}
            await self.cluster.api.send("POST", f"{path}/binding", binding)
        elif not pod.get("status", {}).get("podIP"):
            wanted = status(pod, self.address(name), **self.change(name))
            await self.cluster.api.patch(f"{path}/status", {"status": wanted})
        else:
            return False
        return True

    async def label(self, pod: str, value: str) -> None:
        """Set the active label as the pod's readiness probe does: again and again, should the pod not be there yet."""
        key = self.layout.active_label.key if self.layout.active_label else ""
        change = {"metadata": {"labels": {key: value}}}
        async with asyncio.timeout(_HANG_GUARD):
            while not (await self.cluster.api.patch(pods_path(self.namespace, pod), change)).ok:  # noqa: ASYNC110 -- the same
                await asyncio.sleep(0.1)


def status(pod: Object, ip: str, *, ready: str = "True", waiting: str = "", restarts: int = 0) -> Object:
    """What a kubelet writes about a pod that runs, or that waits for the reason `waiting`."""
    now = timestamp(datetime.now(UTC))
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": now}}
    containers = [
        {
            "name": each["name"],
            "image": each["image"],
            "imageID": "",
            "ready": ready != "False" and not waiting,
            "restartCount": restarts,
            "state": state,
        }
        for each in pod["spec"]["containers"]
    ]
    conditions = [{"type": kind, "status": ready, "lastTransitionTime": now} for kind in ("Ready", "ContainersReady")]
    return {
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": conditions,
        "containerStatuses": containers,
    }


@asynccontextmanager
async def diego(
    where: Cluster, folder: Path, replicas: int = 2, layout: Layout = CFEE_2, change: Change = _ordinary
) -> AsyncIterator[Diego]:
    """A Diego in a namespace of its own, settled. Nobody listens on its pods until somebody is started to."""
    async with AsyncExitStack() as stack:
        network = stack.enter_context(claim_network())
        namespace = await asyncio.to_thread(where.plane.create_namespace, "bench")
        laid = _laid(layout, replicas)
        names = (laid.bbs_service, laid.tls_server_name)
        made = await asyncio.to_thread(make_certificates, folder / namespace, namespace, names, network.api)
        found = Diego(where, namespace, laid, network, made, change)
        for path, manifest in manifests(laid, namespace):
            await where.send("POST", path, manifest)
        await found.settle()
        yield found


def _laid(layout: Layout, replicas: int) -> Layout:
    """The layout with so many BBS pods, made all at once: 150 one after the other would take minutes."""
    parallel = {
        part: replace(each, ordered=False)
        for part in ("bbs", "locket", "cloud_controller")
        if (each := getattr(layout, part)) is not None
    }
    laid: Layout = replace(layout, **parallel)
    return replace(laid, bbs=replace(laid.bbs, replicas=replicas)) if laid.bbs else laid
