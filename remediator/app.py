"""How the remediator starts, what it serves, and what runs until it stops."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter

import aiohttp
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry

from remediator.alertmanager import Alertmanager, Receivers, alertmanagers
from remediator.cluster import Cluster
from remediator.metrics import ReconcilerCollector, WebMetrics
from remediator.policy import Rhythm
from remediator.reconciler import Reconciler, resync_forever
from remediator.remediation import LONGEST_FIELD
from remediator.settings import RemediatorSettings, remediator_settings
from remediator.status_page import links, status_page
from remediator.webhook import PATH, Webhook
from stagekeeper.config.document import read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.environments import pinned_environments
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import connect
from stagekeeper.kube.errors import KubeError
from stagekeeper.service.auth import BearerToken, bearer_auth
from stagekeeper.service.flags import Flags
from stagekeeper.service.health import Readiness, health_routes
from stagekeeper.service.listen import serving
from stagekeeper.service.metrics import metrics_response, process_registry
from stagekeeper.service.pages import PAGE_HEADERS
from stagekeeper.service.runtime import Runtime
from stagekeeper.service.seldom import Seldom
from stagekeeper.service.web_config import WebConfigFile

_log = structlog.get_logger("remediator")
RECORDS = "records"


async def start(runtime: Runtime, flags: Flags) -> None:
    """Read the configuration, start a reconciler for each environment, serve. Raises `ProgramError`."""
    settings, environments = configuration(flags)
    token = BearerToken(settings.webhook.token_file)
    web_config = WebConfigFile(flags.web_config) if flags.web_config else None
    receivers = Receivers(settings.receiver)
    reconcilers = await _reconcilers(runtime, flags, settings, receivers, environments)
    readiness = Readiness({RECORDS: "the records of some environment could not be read yet"})
    reading = _note_when_readable(readiness, [*reconcilers.values()], settings.rhythm.open.total_seconds())
    runtime.eternal("The readiness check", reading)
    webhook = Webhook(settings.alertname, reconcilers, runtime.stopping.is_set, receivers, settings.matchers)
    runtime.on_reload(_refuse_reload)
    registry = process_registry("remediator")
    app = application(settings, reconcilers, webhook, token, registry, health_routes(readiness))
    await runtime.open("The HTTP listener", serving(app, flags.listen, web_config=web_config))
    for name in reconcilers:
        _log.info(f"Managing environment {name} (mode: {settings.mode}).", environment=name, mode=settings.mode.value)


async def _refuse_reload() -> None:
    """A reload could change the mode under an open remediation; a roll-out of the replicas does the same in order."""
    raise ConfigurationError("The remediator reads its configuration at its start only: restart it to apply a change.")


def configuration(flags: Flags) -> tuple[RemediatorSettings, tuple[Environment, ...]]:
    """The remediator's section and the environments. Raises `ConfigurationError`."""
    document = read(flags.config_file)
    return remediator_settings(document), pinned_environments(document)


async def _reconcilers(
    runtime: Runtime,
    flags: Flags,
    settings: RemediatorSettings,
    receivers: Receivers,
    environments: Sequence[Environment],
) -> Mapping[str, Reconciler]:
    kube = await runtime.open("The Kubernetes client", connect(flags.kubeconfig, flags.context))
    session = await runtime.open("The Alertmanager client", aiohttp.ClientSession())
    asked = alertmanagers(settings, session, receivers)
    policy, rhythm = settings.as_policy(), settings.rhythm
    found = {
        each.name: Reconciler(
            Cluster(each, kube, asked, observation_timeout=rhythm.observation_timeout.total_seconds()),
            policy,
            rhythm,
        )
        for each in environments
    }
    if asked:
        runtime.eternal("The resync with Alertmanager", _resync(asked, [*found.values()], rhythm))
    for name, reconciler in found.items():
        runtime.eternal(f"The reconciler of {name}", reconciler.run())
    return found


async def _resync(asked: Sequence[Alertmanager], reconcilers: Sequence[Reconciler], rhythm: Rhythm) -> None:
    await asyncio.gather(*(each.tell_version() for each in asked))
    await resync_forever(reconcilers, rhythm.resync.total_seconds())


async def _note_when_readable(readiness: Readiness, reconcilers: Sequence[Reconciler], every: float) -> None:
    """Ready once every environment's records have been read; what happens to the API later is not our readiness."""
    waiting = [*reconcilers]
    while waiting:
        for each in [*waiting]:
            with suppress(KubeError):
                await each.cluster.listing()
                waiting.remove(each)
        if waiting:
            await asyncio.sleep(every)
    readiness.met(RECORDS)
    await asyncio.Event().wait()  # a task of the program must not end before it


def application(  # noqa: PLR0913, PLR0917 -- everything that is served stands on one of these
    settings: RemediatorSettings,
    reconcilers: Mapping[str, Reconciler],
    webhook: Webhook,
    token: BearerToken,
    registry: CollectorRegistry,
    health: Sequence[web.RouteDef],
) -> web.Application:
    """What is served: the webhook, the status page, the metrics, health."""
    web_metrics = WebMetrics(registry)
    ReconcilerCollector(registry, settings.mode, reconcilers, webhook)
    led_to = links(settings)

    async def metrics(request: web.Request) -> web.Response:
        return metrics_response(request.headers, registry)

    async def status(_request: web.Request) -> web.Response:
        text = status_page(settings.mode, reconcilers.values(), datetime.now(UTC), led_to)
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)

    app = web.Application(
        middlewares=[_counted(web_metrics), _directed, bearer_auth(token, [PATH])],
        client_max_size=settings.webhook.largest_body,
    )
    app.add_routes([web.post(PATH, webhook.handle), web.get("/", status), web.get("/metrics", metrics), *health])
    return app


_misdirected = Seldom(_log, "A POST came to another path than the webhook's; Alertmanager's url must end with it.")


@web.middleware
async def _directed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell who posts to a path where nothing is taken which one is the webhook's."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as problem:
        if request.method == "POST":
            _misdirected(path=request.path[:LONGEST_FIELD], peer=request.remote, expected=PATH)
            problem.text = (
                f"Nothing is taken here. Alertmanager's url must end with {PATH}, without a slash behind it.\n"
            )
        raise


def _counted(metrics: WebMetrics) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != PATH:
            return await handler(request)
        began = perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException as problem:
            metrics.requests.labels(str(problem.status)).inc()
            raise
        metrics.requests.labels(str(response.status)).inc()
        metrics.duration.observe(perf_counter() - began)
        return response

    return count
