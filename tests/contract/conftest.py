"""The fixture `cluster`: every test of the contract runs against the simulated API and against a real one."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from simulator.api import SimulatedApi, User
from simulator.certificates import make_certificates
from simulator.clock import Clock
from simulator.controllers import run_controllers
from simulator.store import Store
from tests.contract.cluster import Cluster
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD

CRD = Path(__file__).parents[2] / "charts/stagekeeper/crds/remediations.yaml"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextlib.asynccontextmanager
async def simulated_cluster(folder: Path) -> AsyncIterator[tuple[str, str, Path]]:
    """A simulated API with its controllers: URL, token, CA."""
    clock = Clock(asyncio.get_running_loop().time)
    store = Store(clock)
    certificates = make_certificates(folder, "unused", ("diego-api",), "127.0.0.1")
    users = {"token": User("admin")}
    async with SimulatedApi(store, clock, users, certificates.api_context(), "127.0.0.1") as api:
        controllers = asyncio.create_task(run_controllers(store))
        try:
            yield api.url, "token", certificates.api_ca
        finally:
            controllers.cancel()
            await asyncio.gather(controllers, return_exceptions=True)


async def _install_crd(cluster: Cluster) -> None:
    """Make the CRD, once per control plane, and wait until its resource is served."""
    reply = await cluster.send("POST", _CRDS, yaml.safe_load(CRD.read_text(encoding="utf-8")))
    assert reply.status in {201, 409}, reply.body
    async with asyncio.timeout(HANG_GUARD):
        while (await cluster.get(cluster.remediations)).status != 200:  # noqa: ASYNC110 - an API is polled
            await asyncio.sleep(0.05)


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.real)])
async def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A Kubernetes API with a fresh namespace and the CRD."""
    async with contextlib.AsyncExitStack() as exits:
        real: ControlPlane | None = None
        if request.param == "real":
            real = request.getfixturevalue("control_plane")
            url, token, ca_file = real.url, real.token, real.ca_file
        else:
            url, token, ca_file = await exits.enter_async_context(simulated_cluster(tmp_path))
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file))
        timeout = aiohttp.ClientTimeout(total=HANG_GUARD)
        session = await exits.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        namespace = await asyncio.to_thread(real.create_namespace) if real else "test"
        cluster = Cluster(url, token, ca_file, namespace, session)
        if real:
            await _install_crd(cluster)
        else:
            await cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        yield cluster
