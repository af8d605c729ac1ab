"""One simulated environment, complete: API, controllers, actors, certificates, faults."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml

from simulator.actors import ActorOptions, Actors, Addresses, Site, install, running_actors
from simulator.api import SimulatedApi, User
from simulator.api_client import ApiAccess
from simulator.api_faults import ApiFaults
from simulator.bbs import BBS_PORT
from simulator.certificates import Certificates, make_certificates
from simulator.clock import Clock
from simulator.controllers import run_controllers
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.layouts import Layout
from simulator.listener import accepts
from simulator.loopback import LoopbackNetwork, claim_network
from simulator.programs import CC_PORT
from simulator.resources import NAMESPACES, NODES, PODS, STATEFULSETS
from simulator.store import Object, Store

_THREE_DAYS = 3 * 24 * 3600.0
_SETTLE_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set for an environment; times in seconds."""

    actors: ActorOptions = field(default_factory=ActorOptions)
    age: float = _THREE_DAYS
    """How old everything is when the environment is handed over, so that rules about age see old pods."""
    start: datetime | None = None
    """What the environment's clock shows when it is handed over; None: the real time."""
    rsa: bool = False
    """Whether Diego's certificates have keys as in the field, which cost more."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A running environment, and how to reach each part of it."""

    layout: Layout
    api: SimulatedApi
    token: str
    token_file: Path
    kubeconfig: Path
    certificates: Certificates
    network: LoopbackNetwork
    clock: Clock
    journal: Journal
    actors: Actors
    faults: Faults

    @property
    def interval(self) -> float:
        """Seconds between two observations of whoever waits for something here: half of the kubelet's."""
        return self.actors.kubelet.interval / 2

    @property
    def store(self) -> Store:
        """The objects behind the API."""
        return self.api.store

    @property
    def api_faults(self) -> ApiFaults:
        """The faults of the API itself."""
        return self.api.faults

    @property
    def api_url(self) -> str:
        """`https://HOST:PORT`."""
        return self.api.url

    @property
    def ca_file(self) -> Path:
        """The authority of the API's certificate."""
        return self.certificates.api_ca

    @property
    def namespace(self) -> str:
        """Where Diego's objects are."""
        return self.layout.namespace

    @property
    def service_host(self) -> str:
        """The BBS Service's IP address."""
        return self.network.bbs_service

    @property
    def bbs_port(self) -> int:
        """The BBS's port, at the Service and at each pod."""
        return BBS_PORT

    @property
    def cloud_controller_address(self) -> str:
        """`host:port` of the Cloud Controller's Service."""
        return f"{self.network.cloud_controller_service}:{CC_PORT}"

    def entry(self, name: str) -> Object:
        """This environment, called `name`, as the configuration file has it: its BBS is asked over mutual TLS."""
        return {
            "name": name,
            "profile": self.layout.profile,
            "namespace": self.namespace,
            "service": {"host": self.service_host, "port": self.bbs_port},
            "tls": {
                "ca_file": str(self.certificates.server.ca),
                "cert_file": str(self.certificates.client_certificate),
                "key_file": str(self.certificates.client_key),
                "server_name": self.layout.tls_server_name,
            },
        }

    def pods(self) -> list[Object]:
        """Give the BBS pods as the API shows them; none where the layout has no Diego."""
        if self.layout.bbs is None:
            return []
        wanted = self.layout.bbs.labels.items()
        return self.store.select(PODS, self.namespace, lambda labels: wanted <= labels.items())

    def make_older(self, seconds: float, *pods: str) -> None:
        """Pretend that these pods were created and started so many seconds earlier."""
        for name in pods:
            self.store.make_older(PODS, self.namespace, name, seconds)
            if name in self.actors.kubelet.actors:
                self.actors.kubelet.actors[name].make_older(seconds)

    async def wait_until(self, condition: Callable[[], bool], timeout: float = _SETTLE_TIMEOUT) -> None:
        """Wait until a condition holds. TimeoutError after `timeout` seconds; what an actor died of, if one did."""
        async with asyncio.timeout(timeout):
            while not condition():
                self.actors.check()
                await asyncio.sleep(self.interval)

    async def wait_for_service(self, *, serving: bool = True, timeout: float = _SETTLE_TIMEOUT) -> None:
        """Wait until the BBS Service accepts connections, or no longer does. TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while await self.serves() is not serving:  # noqa: ASYNC110 - a port tells nobody
                await asyncio.sleep(self.interval)

    async def serves(self) -> bool:
        """Whether the BBS Service accepts connections."""
        return await accepts(self.service_host, self.bbs_port)


@contextlib.asynccontextmanager
async def simulated_environment(
    layout: Layout, folder: Path, options: Options | None = None
) -> AsyncIterator[Environment]:
    """Build an environment, wait until it serves, hand it over; afterwards no task and no socket is left.

    `folder` receives certificates, token and kubeconfig. TimeoutError if it does not come up.
    """
    options = options or Options()
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time, options.start)
    clock.shift(-options.age)
    journal = Journal(clock)
    store = Store(clock)
    token, own_token = secrets.token_urlsafe(), secrets.token_urlsafe()
    async with contextlib.AsyncExitStack() as exits:
        network = exits.enter_context(claim_network())
        names = _server_names(layout)
        certificates = make_certificates(folder, layout.namespace, names, network.api, rsa=options.rsa)
        users = {token: User("stagekeeper"), own_token: User("system:simulator", internal=True)}
        api = SimulatedApi(store, clock, users, certificates.api_context(), network.api)
        await exits.enter_async_context(api)
        _create_cluster(store, layout.namespace, network)
        exits.push_async_callback(_cancel, asyncio.create_task(run_controllers(store), name="controllers"))
        access = ApiAccess(api.url, own_token, certificates.api_ca)
        site = Site(layout.namespace, _addresses(network), certificates)
        actors = await exits.enter_async_context(running_actors(access, layout, site, journal, options.actors))
        api.read_log = lambda _namespace, pod, container: actors.kubelet.log(pod, container)
        token_file, kubeconfig = _write_access(folder, api.url, certificates.api_ca, token)
        environment = Environment(
            layout, api, token, token_file, kubeconfig, certificates, network, clock, journal, actors, Faults(actors)
        )
        await _settle(environment)
        clock.shift(options.age)
        yield environment


def _server_names(layout: Layout) -> tuple[str, ...]:
    return "diego-api", layout.bbs_service, layout.tls_server_name


def _addresses(network: LoopbackNetwork) -> Addresses:
    return Addresses(network.pods, network.bbs_service, network.cloud_controller_service, network.nodes)


def _create_cluster(store: Store, namespace: str, network: LoopbackNetwork) -> None:
    store.create(NAMESPACES, "", {"metadata": {"name": namespace}})
    for number, _ in enumerate(network.nodes):
        store.create(NODES, "", {"metadata": {"name": f"node-{number}"}})


def _write_access(folder: Path, url: str, ca_file: Path, token: str) -> tuple[Path, Path]:
    token_file, kubeconfig = folder / "token", folder / "kubeconfig.yaml"
    token_file.write_text(token, encoding="utf-8")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulated", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": "simulated", "user": {"token": token}}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
        "current-context": "simulated",
    }
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    return token_file, kubeconfig


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _settle(environment: Environment) -> None:
    """Install the layout and wait until everything is ready and the Service serves, labels being kept eagerly."""
    actors = environment.actors
    if actors.label_keeper is not None:
        actors.label_keeper.interval = min(environment.interval, actors.label_interval)
    await install(actors.place.api, environment.layout, environment.namespace)
    await environment.wait_until(lambda: _all_ready(environment))
    if environment.layout.bbs is not None:
        await environment.wait_for_service()
    if actors.label_keeper is not None:
        actors.label_keeper.interval = actors.label_interval
        await environment.wait_until(lambda: _all_labelled(environment))


def _all_ready(environment: Environment) -> bool:
    sets = environment.store.select(STATEFULSETS, environment.namespace)
    layout = environment.layout
    return len(sets) == len(layout.workloads) and all(_as_ready_as_it_gets(each, layout) for each in sets)


def _as_ready_as_it_gets(item: Object, layout: Layout) -> bool:
    status, wanted = item.get("status", {}), item["spec"]["replicas"]
    own = layout.bbs is not None and item["metadata"]["name"] == layout.bbs.name
    ready = layout.ready_bbs if own else wanted
    return bool(status.get("replicas") == wanted and status.get("readyReplicas", 0) >= ready)


def _all_labelled(environment: Environment) -> bool:
    label = environment.layout.active_label
    if label is None or label.passive is None:
        return True
    return all(label.key in pod["metadata"]["labels"] for pod in environment.pods())
