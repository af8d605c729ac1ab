"""The whole loop in one event loop: the simulated environment, the remediator's own objects, a fake Alertmanager."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry

from incidents.format import Incident
from incidents.replay import policy_of
from remediator import remediation
from remediator.alertmanager import Alertmanager
from remediator.cluster import Cluster
from remediator.keeper import Keeper, resync_forever
from remediator.metrics import Metrics
from remediator.opening import Verdict
from remediator.policy import Policy
from remediator.remediation import Remediation
from remediator.settings import AlertmanagerSettings
from remediator.webhook import PATH, Receiver, Webhook
from remediator.worker import Rhythm, Target, Worker
from simulator.actors import ActorOptions
from simulator.api import Request
from simulator.environment import Environment as Simulated
from simulator.environment import Options, simulated_environment
from simulator.kubelet import KubeletOptions
from simulator.layouts import LAYOUTS
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import connect
from tests.incidents.alerting import Alerting

OBSERVATION_TIMEOUT = 8.0
RHYTHM = Rhythm(open=10.0)
"""Half as often as in production while a remediation is open: observations are what these plays take most of their time
for."""
RESYNC = 60.0


class FakeTimeWorld(Cluster):
    """The product's own, on the loop's clock instead of the machine's."""

    def monotonic(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Stage:
    """What an incident is played on."""

    env: Simulated
    world: Cluster
    policy: Policy
    alerting: Alerting
    keeper: Keeper = field(init=False)
    _running: asyncio.Task[None] | None = None

    def start_worker(self) -> None:
        """A new process's worker: without memory."""
        worker = Worker(Target(self.world.environment, self.policy, self.world), RHYTHM)
        self.keeper = Keeper(self.world, worker, self.policy)
        self._running = asyncio.create_task(worker.run(), name="worker")

    async def stop_worker(self) -> None:
        """Kill it wherever it is."""
        if self._running is not None:
            await _cancelled([self._running])

    @property
    def receiver(self) -> Receiver:
        """The webhook's way to whichever worker runs."""

        async def open_(request: remediation.Request) -> Verdict:
            return await self.keeper.open(request)

        def wake() -> None:
            self.keeper.worker.wake()

        return Receiver(open_, wake)

    async def resync(self) -> None:
        """As `remediator.keeper.resync_forever`, for whichever keeper there is."""
        while True:
            await resync_forever([self.keeper], RESYNC)

    async def remediations(self) -> Sequence[Remediation]:
        """Every record."""
        return (await self.world.listing())[0]

    @property
    def deletions(self) -> Sequence[Request]:
        """The remediator's DELETE requests for pods, whatever the answer."""
        return [each for each in self.env.api.requests if each.method == "DELETE" and "/pods/" in each.path]

    @property
    def deleted(self) -> list[str]:
        """Names of the pods that it deleted, in order."""
        return [each.path.rpartition("/")[2] for each in self.deletions if each.status == 200]


@asynccontextmanager
async def stage(incident: Incident, folder: Path) -> AsyncIterator[Stage]:
    """Everything runs, and the BBS serves."""
    layout = LAYOUTS[(incident.simulate and incident.simulate.layout) or incident.environment.profile]
    actors = ActorOptions(kubelet=KubeletOptions(interval=6.0), label_interval=12.0, endpoints_interval=6.0)
    async with AsyncExitStack() as exits:
        env = await exits.enter_async_context(simulated_environment(layout, folder, Options(actors)))
        kube = await exits.enter_async_context(connect(env.kubeconfig))
        session = await exits.enter_async_context(aiohttp.ClientSession())
        environment = _environment(env, incident)
        alerting = Alerting(Observer(environment, kube), env.clock, environment.name)
        exits.push_async_callback(alerting.close)
        url = await exits.enter_async_context(_served("GET", "/api/v2/alerts", alerting.alerts))
        asked = Alertmanager(AlertmanagerSettings.model_validate({"url": url}), session, "StagerUnavailable")
        policy = policy_of(incident)
        metrics = Metrics(CollectorRegistry(), policy.mode, [environment.name])
        world = FakeTimeWorld(Observer(environment, kube), kube, [asked], metrics, OBSERVATION_TIMEOUT)
        played = Stage(env, world, policy, alerting)
        played.start_worker()
        exits.push_async_callback(played.stop_worker)
        webhook = Webhook("StagerUnavailable", {environment.name: played.receiver}, lambda: False)
        alerting.webhook_url = await exits.enter_async_context(_served("POST", PATH, webhook.handle)) + PATH
        await exits.enter_async_context(_tasks(played.resync(), alerting.evaluate()))
        yield played


def _environment(env: Simulated, incident: Incident) -> Environment:
    """The incident's environment, at the simulated addresses."""
    tls = {
        "ca_file": env.client_ca_file,
        "cert_file": env.client_cert_file,
        "key_file": env.client_key_file,
        "server_name": env.tls_server_name,
    }
    profile = incident.environment.profile
    settings = {"name": "cf", "profile": profile, "namespace": env.namespace, "tls": tls}
    service = {"host": env.service_host, "port": env.bbs_port}
    return resolve(EnvironmentSettings.model_validate({**settings, "service": service}))


@asynccontextmanager
async def _served(method: str, path: str, handler: Handler) -> AsyncIterator[str]:
    """One route on a free port of the loopback; the address."""
    app = web.Application()
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _tasks(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks; what one of them died of is raised."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
