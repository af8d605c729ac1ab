"""Everything that lives around a Kubernetes API: kubelet, Diego's processes, label keeper, service proxies.

Speaks to the API over HTTP only, so `running_actors` serves a simulated API and a real one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simulator.api_client import ApiAccess, ApiClient
from simulator.bbs import BBS_PORT, Identity, ServerFiles
from simulator.certificates import Certificates
from simulator.diego import Diego, Timings
from simulator.journal import Journal
from simulator.kubelet import Kubelet, KubeletOptions
from simulator.labels import LabelKeeper
from simulator.layouts import Layout, Role
from simulator.manifests import manifests, role_of
from simulator.place import Place
from simulator.pod_actor import Node
from simulator.programs import (
    CC_PORT,
    BbsProgram,
    ListeningProgram,
    LocketProgram,
    Monit,
    Program,
)
from simulator.service import ServiceProxy


@dataclass(frozen=True, slots=True)
class Addresses:
    """The IP addresses that the actors may use. Not loopback on a real API: its endpoints controllers refuse those."""

    pods: Sequence[str]
    bbs_service: str
    cloud_controller_service: str
    nodes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the actors are at home: namespace, addresses, certificates."""

    namespace: str
    addresses: Addresses
    certificates: Certificates


@dataclass(frozen=True, slots=True)
class ActorOptions:
    """How the actors behave; times in seconds."""

    timings: Timings = field(default_factory=Timings)
    kubelet: KubeletOptions = field(default_factory=KubeletOptions)
    label_interval: float | None = None
    """Between two observations of whoever keeps the active label; None: as on the layout's platform."""
    endpoints_interval: float = 0.2
    """Between two observations of the service proxies at the Endpoints."""


LIFELIKE = ActorOptions(kubelet=KubeletOptions(interval=2.0), endpoints_interval=2.0)
"""Kubelet, endpoints and kube-proxy as late as real ones, which lag 1 to 3 s; for fake time. The plain options are as
fast as tests in real time want them."""


@dataclass(slots=True)
class Actors:
    """What runs, for faults and tests to reach into."""

    place: Place
    layout: Layout
    diego: Diego
    kubelet: Kubelet
    label_keeper: LabelKeeper | None
    label_interval: float
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def check(self) -> None:
        """Raise what an actor died of, if one did."""
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()


@dataclass(frozen=True, slots=True)
class ProgramStarter:
    """Starts what an image's name stands for."""

    diego: Diego
    files: ServerFiles
    monit: bool
    """Whether the programs run under monit."""

    def __call__(self, image: str, pod: str, ip: str, log: Callable[[str], None]) -> Program:
        """Start a container's program."""
        bbs = partial(self._bbs, pod, ip, log)
        locket = partial(LocketProgram, self.diego, pod, ip)
        match role_of(image):
            case Role.BBS:
                return self._kept(bbs)
            case Role.BBS_AND_LOCKET:
                return self._kept(bbs, locket)
            case Role.LOCKET:
                return self._kept(locket)
            case Role.CLOUD_CONTROLLER:
                return ListeningProgram(ip, CC_PORT)
            case Role.SIDECAR:
                return ListeningProgram(ip, None)

    def _kept(self, *parts: Callable[[], Program]) -> Program:
        """The programs under monit, or the only one by itself."""
        timings = self.diego.timings
        return Monit(parts, timings.monit_cycle, timings.kill_after) if self.monit else parts[0]()

    def _bbs(self, pod: str, ip: str, log: Callable[[str], None]) -> Program:
        return BbsProgram(self.diego, Identity(pod, ip, self.files), log)


async def install(api: ApiClient, layout: Layout, namespace: str) -> None:
    """POST a layout's objects. RuntimeError that names the object if the API refuses one."""
    for path, manifest in manifests(layout, namespace):
        reply = await api.send("POST", path, manifest)
        if not reply.ok:
            name = manifest["metadata"]["name"]
            raise RuntimeError(f"the API refused {manifest['kind']} {name}: {reply.status} {reply.body.get('message')}")


@contextlib.asynccontextmanager
async def running_actors(
    access: ApiAccess,
    layout: Layout,
    site: Site,
    journal: Journal,
    options: ActorOptions,
) -> AsyncIterator[Actors]:
    """Run all actors for the objects of `layout` in the namespace of `site`; the objects themselves come by `install`.

    An actor that dies of an error has it raised by `Actors.check` and at the end.
    """
    diego = Diego(journal.clock.monotonic, options.timings, own_locket=layout.locket is not None)
    async with contextlib.AsyncExitStack() as exits:
        api = await exits.enter_async_context(ApiClient(access))
        place = Place(api, site.namespace, journal)
        kubelet = Kubelet(
            place,
            [Node(f"node-{number}", ip) for number, ip in enumerate(site.addresses.nodes)],
            site.addresses.pods,
            ProgramStarter(diego, site.certificates.server, layout.monit),
            options.kubelet,
        )
        label_interval = layout.label_interval if options.label_interval is None else options.label_interval
        keeper = _label_keeper(place, layout, label_interval)
        actors = Actors(place, layout, diego, kubelet, keeper, label_interval)
        exits.push_async_callback(_stop, actors)
        proxies = _proxies(place, layout, site.addresses, options.endpoints_interval)
        _spawn(actors, kubelet.run(), *(proxy.run() for proxy in proxies))
        if keeper is not None:
            _spawn(actors, keeper.run())
        yield actors


def _spawn(actors: Actors, *work: Coroutine[Any, Any, None]) -> None:
    actors.tasks += [asyncio.create_task(each, name="simulator actor") for each in work]


async def _stop(actors: Actors) -> None:
    for task in actors.tasks:
        task.cancel()
    await asyncio.gather(*actors.tasks, return_exceptions=True)
    actors.check()


def _label_keeper(place: Place, layout: Layout, interval: float) -> LabelKeeper | None:
    if layout.bbs is None or layout.active_label is None:
        return None
    return LabelKeeper(place, layout.bbs.labels, layout.active_label, BBS_PORT, interval)


def _proxies(place: Place, layout: Layout, addresses: Addresses, interval: float) -> list[ServiceProxy]:
    cloud_controller = ServiceProxy(
        place, layout.cloud_controller_service, addresses.cloud_controller_service, CC_PORT, interval
    )
    if layout.bbs is None:
        return [cloud_controller]
    bbs = ServiceProxy(place, layout.bbs_service, addresses.bbs_service, BBS_PORT, interval)
    return [bbs, cloud_controller]
