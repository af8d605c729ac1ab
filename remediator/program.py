"""How the remediator starts: what it opens, in which order, and what runs until it stops."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import aiohttp
import structlog

from remediator.alertmanager import Alertmanager
from remediator.cluster import Cluster
from remediator.keeper import Keeper, resync_forever
from remediator.metrics import Metrics
from remediator.record import Unreadable
from remediator.settings import RemediatorSettings, remediator_settings
from remediator.web import Served, application
from remediator.webhook import Webhook
from remediator.worker import Rhythm, Target, Worker
from stagekeeper.diego.environments import pinned_environments
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Kube, NoCluster, connect
from stagekeeper.kube.errors import KubeError
from stagekeeper.service.auth import BearerToken
from stagekeeper.service.flags import Flags
from stagekeeper.service.health import Readiness, health_routes
from stagekeeper.service.listen import serving
from stagekeeper.service.metrics import process_registry
from stagekeeper.service.problems import ConfigurationProblem
from stagekeeper.service.runtime import Runtime
from stagekeeper.service.web_config import WebConfigFile
from stagekeeper.settings import SettingsProblem, read

_log = structlog.get_logger("remediator")
RECORDS = "records"


async def start(runtime: Runtime, flags: Flags) -> None:
    """Read the configuration, start a worker for each environment, serve. Raises `ServiceProblem`."""
    settings, found = configuration(flags)
    token = BearerToken(settings.webhook.token_file)
    web_config = WebConfigFile(flags.web_config) if flags.web_config else None
    registry = process_registry("remediator")
    metrics = Metrics(registry, settings.mode, [each.name for each in found])
    keepers = await _keepers(runtime, flags, settings, found, metrics)
    readiness = Readiness({RECORDS: "the records of some environment could not be read yet"})
    runtime.eternal("The readiness check", _note_when_readable(readiness, list(keepers.values()), settings.rhythm.open))
    webhook = Webhook(
        settings.alertname,
        {name: keeper.receiver for name, keeper in keepers.items()},
        runtime.stopping.is_set,
        lambda judgement: metrics.alerts.labels(judgement.value).inc(),
    )
    runtime.on_reload(_refuse_reload)
    health = health_routes(readiness, runtime.reload, lifecycle=flags.lifecycle)
    served = Served(settings, webhook, token, keepers, registry, metrics, health)
    await runtime.open("The HTTP listener", serving(application(served), flags.listen, web_config=web_config))
    for name in keepers:
        _log.info(f"Keeping environment {name} in mode {settings.mode}.")


async def _refuse_reload() -> None:
    """A reload could change the mode under an open remediation; a roll-out of the replicas does the same in order."""
    raise ConfigurationProblem(
        "The remediator reads its configuration at its start only: restart it to apply a change."
    )


def configuration(flags: Flags) -> tuple[RemediatorSettings, tuple[Environment, ...]]:
    """The remediator's section and the environments. Raises `ConfigurationProblem`."""
    try:
        document = read(flags.config_file)
        return remediator_settings(document), pinned_environments(document)
    except SettingsProblem as problem:
        raise ConfigurationProblem(str(problem)) from problem


async def _keepers(
    runtime: Runtime,
    flags: Flags,
    settings: RemediatorSettings,
    found: Sequence[Environment],
    metrics: Metrics,
) -> Mapping[str, Keeper]:
    try:
        kube = await runtime.open("The Kubernetes client", connect(flags.kubeconfig, flags.context))
    except NoCluster as problem:
        raise ConfigurationProblem(str(problem)) from problem
    session = await runtime.open("The Alertmanager client", aiohttp.ClientSession())
    alertmanagers = [Alertmanager(each, session, settings.alertname) for each in settings.alertmanagers]
    keepers = {each.name: _keeper(each, kube, alertmanagers, settings, metrics) for each in found}
    if alertmanagers:
        runtime.eternal("The resync with Alertmanager", resync_forever(list(keepers.values()), settings.rhythm.resync))
    for name, keeper in keepers.items():
        runtime.eternal(f"The worker of {name}", keeper.worker.run())
    return keepers


def _keeper(
    environment: Environment,
    kube: Kube,
    alertmanagers: Sequence[Alertmanager],
    settings: RemediatorSettings,
    metrics: Metrics,
) -> Keeper:
    policy, rhythm = settings.as_policy(), settings.rhythm
    world = Cluster(Observer(environment, kube), kube, alertmanagers, metrics, rhythm.observation_timeout)
    worker = Worker(Target(environment, policy, world), Rhythm(rhythm.open, rhythm.latched, rhythm.idle))
    return Keeper(world, worker, policy)


async def _note_when_readable(readiness: Readiness, keepers: Sequence[Keeper], every: float) -> None:
    """Ready once every environment's records have been read; what happens to the API later is not our readiness."""
    waiting = list(keepers)
    while waiting:
        for keeper in [*waiting]:
            with suppress(KubeError, Unreadable):
                await keeper.world.remediations()
                waiting.remove(keeper)
        if waiting:
            await asyncio.sleep(every)
    readiness.met(RECORDS)
    await asyncio.Event().wait()  # a task of the program must not end before it
