"""The whole loop under fake time: the simulated environment, remediators as their program makes them, monitoring.

Probes over mutual TLS, the Kubernetes API over HTTPS, Alertmanager and the webhook over HTTP: only time is not real.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from remediator.alertmanager import Alertmanager, Receivers
from remediator.cluster import Cluster
from remediator.policy import Mode, Rhythm
from remediator.reconciler import Reconciler, resync_forever
from remediator.remediation import Phase, Remediation
from remediator.settings import AlertmanagerSettings, RemediatorSettings
from remediator.webhook import PATH, Webhook
from simulator.actors import LIFELIKE
from simulator.api import Request
from simulator.environment import Environment as Simulated
from simulator.environment import Options, simulated_environment
from simulator.layouts import LAYOUTS
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Kube, connect
from tests.whole_loop.alerting import Alerting

SETTINGS = RemediatorSettings.model_construct(mode=Mode.ACT)
"""All defaults."""


class Replica:
    """One remediator: what its program makes, until it is killed."""

    def __init__(self, environment: Environment, kube: Kube, asked: Alertmanager) -> None:
        self._parts = environment, kube, asked
        self._tasks: list[asyncio.Task[None]] = []
        self.start()

    def start(self) -> None:
        """A new process: without memory."""
        environment, kube, asked = self._parts
        policy, rhythm = SETTINGS.as_policy(), Rhythm()
        self.cluster = Cluster(
            environment, kube, [asked], observation_timeout=rhythm.observation_timeout.total_seconds()
        )
        reconciler = Reconciler(self.cluster, policy, rhythm)
        self._webhook = Webhook(
            "StagerUnavailable", {environment.name: reconciler}, lambda: False, Receivers("stagekeeper")
        )
        self._tasks = [
            asyncio.create_task(reconciler.run()),
            asyncio.create_task(resync_forever([reconciler], rhythm.resync.total_seconds())),
        ]

    async def kill(self) -> None:
        """End it wherever it is."""
        await cancelled(self._tasks)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The webhook of whichever process runs."""
        return await self._webhook.handle(request)


@dataclass(slots=True)
class Stage:
    """What is played on."""

    env: Simulated
    alerting: Alerting
    replicas: list[Replica] = field(default_factory=list)

    async def remediations(self) -> Sequence[Remediation]:
        """Every record."""
        return (await self.replicas[0].cluster.listing()).remediations

    @property
    def deletions(self) -> Sequence[Request]:
        """The remediators' DELETE requests for pods, whatever the answer."""
        return [each for each in self.env.api.requests if each.method == "DELETE" and "/pods/" in each.path]

    @property
    def deleted(self) -> list[str]:
        """Names of the pods that they deleted, in order."""
        return [each.path.rpartition("/")[2] for each in self.deletions if each.status == 200]

    async def until(self, condition: Callable[[], bool], within: float = 900.0) -> None:
        """Wait until a condition holds."""
        await self.env.wait_until(condition, within)

    async def ended(self, within: float = 1_800.0) -> Remediation:
        """The last remediation, once it has ended, and a resync and a webhook's retry later."""
        async with asyncio.timeout(within):
            while not (found := await self.remediations()) or found[-1].phase.open:  # noqa: ASYNC110 -- records tell nobody
                await asyncio.sleep(5.0)
        await asyncio.sleep(80.0)
        return (await self.remediations())[-1]

    async def assert_restarted_once(self, *pods: str) -> None:
        """One remediation, which recovered; each of these pods was deleted once, and nothing else."""
        await self.ended()
        found = await self.remediations()
        told = [f"{each.phase} {each.reason}: {each.message}" for each in found]
        assert [each.phase for each in found] == [Phase.RECOVERED], told
        assert sorted(self.deleted) == sorted(pods), told

    async def assert_left_alone(self, phase: Phase) -> Remediation:
        """One remediation, which ended so; no pod was deleted."""
        ended = await self.ended(4_500.0)
        assert (ended.phase, self.deletions, ended.ordinal) == (phase, [], 1), ended.message
        return ended


@asynccontextmanager
async def stage(profile: str, folder: Path, replicas: int = 1) -> AsyncIterator[Stage]:
    """Everything runs, and the BBS serves."""
    async with AsyncExitStack() as exits:
        env = await exits.enter_async_context(simulated_environment(LAYOUTS[profile], folder, Options(LIFELIKE)))
        kube = await exits.enter_async_context(connect(env.kubeconfig))
        session = await exits.enter_async_context(aiohttp.ClientSession())
        environment = _environment(env, profile)
        alerting = Alerting(Observer(environment, kube), env.clock, environment.name)
        exits.push_async_callback(alerting.close)
        url = await exits.enter_async_context(_served("GET", "/api/v2/alerts/groups", alerting.alerts))
        played = Stage(env, alerting)
        for _ in range(replicas):
            asked = Alertmanager(
                AlertmanagerSettings.model_validate({"url": url}),
                session,
                "StagerUnavailable",
                Receivers("stagekeeper"),
            )
            replica = Replica(environment, kube, asked)
            played.replicas.append(replica)
            exits.push_async_callback(replica.kill)
            alerting.webhooks.append(await exits.enter_async_context(_served("POST", PATH, replica.handle)) + PATH)
        await exits.enter_async_context(_tasks(alerting.run()))
        yield played


def _environment(env: Simulated, profile: str) -> Environment:
    """The profile, at the simulated addresses."""
    return resolve(EnvironmentSettings.model_validate({**env.entry("cf"), "profile": profile}))


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
        await cancelled(tasks)


async def cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks; what one of them died of is raised."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
