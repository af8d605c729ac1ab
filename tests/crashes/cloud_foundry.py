"""A Cloud Foundry on a real API: its objects, our ServiceAccounts, and the actors that bring its pods to life."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cache import ROOT
from simulator.actors import ActorOptions, Actors, Addresses, Site, running_actors
from simulator.api_client import ApiAccess, pods_path
from simulator.certificates import Certificates, make_certificates
from simulator.clock import Clock
from simulator.journal import Journal
from simulator.layouts import CFEE_2
from simulator.listener import accepts
from simulator.manifests import manifests
from simulator.programs import CC_PORT
from tests.crashes.access import grant, is_guarded
from tests.kube.api_server import kubeconfig
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import until

Object = dict[str, Any]
NETWORKS = ["10.96.0.0/16", "10.244.0.0/16"]
"""Services and pods. On a loopback device a network stands for each address in it."""
STATEFULSET = "diego-api"
_CRD = ROOT / "charts/stagekeeper/crds/remediations.yaml"
_NODES = ("10.244.0.2", "10.244.0.3")
_BBS_PORT = 8889


@dataclass(frozen=True, slots=True)
class CloudFoundry:
    """One namespace with a Diego that serves when it is handed over."""

    plane: ControlPlane
    namespace: str
    folder: Path
    addresses: Addresses
    certificates: Certificates
    actors: Actors
    journal: Journal

    @property
    def remediations_path(self) -> str:
        """Where its remediations are."""
        return f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.namespace}/remediations"

    @property
    def pods_path(self) -> str:
        """Where its pods are."""
        return pods_path(self.namespace)

    async def get(self, path: str) -> Object:
        """GET as the admin; fails if that is refused."""
        reply = await self.actors.place.api.send("GET", path)
        assert reply.ok, f"GET {path} answered {reply.status}: {reply.body}"
        return reply.body

    async def items(self, path: str) -> list[Object]:
        """LIST as the admin."""
        found: list[Object] = (await self.get(path))["items"]
        return found

    async def uids(self) -> dict[str, str]:
        """The UID of each BBS pod that is not on its way out, by its name."""
        pods = await self.items(self.pods_path)
        return {
            pod["metadata"]["name"]: pod["metadata"]["uid"]
            for pod in pods
            if pod["metadata"]["name"].startswith(STATEFULSET) and "deletionTimestamp" not in pod["metadata"]
        }

    async def serves(self) -> bool:
        """Whether the BBS Service accepts connections."""
        return await accepts(self.addresses.bbs_service, _BBS_PORT)

    def environment(self, name: str, **more: Any) -> Object:
        """This Cloud Foundry as an entry of the configuration file."""
        return {
            "name": name,
            "profile": CFEE_2.profile,
            "namespace": self.namespace,
            "service": {"host": self.addresses.bbs_service},
            "tls": {
                "ca_file": str(self.certificates.server.ca),
                "cert_file": str(self.certificates.client_certificate),
                "key_file": str(self.certificates.client_key),
                "server_name": CFEE_2.tls_server_name,
            },
            "cloud_controller": {"address": f"{self.addresses.cloud_controller_service}:{CC_PORT}"},
            **more,
        }

    def kubeconfig(self, account: str, server: str, name: str) -> Path:
        """A kubeconfig with a fresh token of a ServiceAccount, for a way to the API without TLS."""
        user = {"token": self.plane.service_account_token(self.namespace, account)}
        return kubeconfig(self.folder / f"{name}.kubeconfig", server, user)


def prepare(plane: ControlPlane) -> None:
    """What belongs to the whole cluster: the custom resource and the nodes."""
    plane.kubectl("create", "--filename", str(_CRD))
    plane.wait_for_definitions("remediations.stagekeeper.dev")
    for number, _ in enumerate(_NODES):
        # Without its node in the API, a pod never gets into an EndpointSlice.
        plane.api.request("POST", "/api/v1/nodes", {"metadata": {"name": f"node-{number}"}})


@contextlib.asynccontextmanager
async def cloud_foundry(
    plane: ControlPlane, folder: Path, number: int, options: ActorOptions
) -> AsyncIterator[CloudFoundry]:
    """A Diego of two BBS in a new namespace, its pods on 10.244.NUMBER.0/24, once it serves."""
    folder.mkdir()  # noqa: ASYNC240 -- one system call
    namespace = await asyncio.to_thread(plane.create_namespace, "cf")
    await asyncio.to_thread(grant, plane, namespace, folder)
    made = [await asyncio.to_thread(plane.api.request, "POST", *each) for each in manifests(CFEE_2, namespace)]
    service_ips = {each["metadata"]["name"]: each["spec"]["clusterIP"] for each in made if each["kind"] == "Service"}
    addresses = Addresses(
        [f"10.244.{number}.{host}" for host in range(10, 50)],
        service_ips[CFEE_2.bbs_service],
        service_ips[CFEE_2.cloud_controller_service],
        _NODES,
    )
    names = tuple({CFEE_2.bbs_service, CFEE_2.tls_server_name})
    certificates = make_certificates(folder / "certificates", namespace, names, "127.0.0.1")
    journal = Journal(Clock(asyncio.get_running_loop().time))
    access = ApiAccess(plane.url, plane.token, plane.ca_file)
    site = Site(namespace, addresses, certificates)
    async with running_actors(access, CFEE_2, site, journal, options) as actors:
        found = CloudFoundry(plane, namespace, folder, addresses, certificates, actors, journal)
        await until(lambda: _settled(found), f"a BBS that serves in {namespace}")
        await until(lambda: _guarded(found), f"the admission policy's being in force in {namespace}")
        yield found


async def _settled(found: CloudFoundry) -> bool:
    found.actors.check()
    workloads = await found.items(f"/apis/apps/v1/namespaces/{found.namespace}/statefulsets")
    ready = [each["status"].get("readyReplicas") == each["spec"]["replicas"] for each in workloads]
    return all(ready) and await found.serves()


async def _guarded(found: CloudFoundry) -> bool:
    return await asyncio.to_thread(is_guarded, found.plane, found.namespace, f"{STATEFULSET}-0")
