"""The exporter: what it opens at its start and in which order, what a reload does, and what it answers over HTTP."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from aiohttp import web
from prometheus_client.registry import Collector

from exporter import pages
from exporter.metrics import Scrape
from exporter.scrape import Observe, Targets
from exporter.settings import ConfigurationFile
from stagekeeper.diego.auto import observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import connect
from stagekeeper.service.flags import Flags
from stagekeeper.service.health import Readiness, health_routes, reload_routes
from stagekeeper.service.listen import serving
from stagekeeper.service.metrics import metrics_response, process_registry, scrape_deadline
from stagekeeper.service.pages import PAGE_HEADERS
from stagekeeper.service.runtime import Runtime
from stagekeeper.service.web_config import WebConfigFile

FIRST_OBSERVATION = "first observation"
LARGEST_AT_ONCE = 20
"""Environments whose answer is written on the event loop: more than 10 ms of it would hold up everything else."""


async def start(runtime: Runtime, flags: Flags) -> None:
    """Read the configuration, serve, take a first observation. An API server that is down does not hinder the start.

    Raises `ProgramError`.
    """
    configuration = ConfigurationFile(flags.config_file)
    web_config = WebConfigFile(flags.web_config) if flags.web_config else None
    kube = await runtime.open("The Kubernetes client", connect(flags.kubeconfig, flags.context))

    def observe(environment: Environment) -> Observe:
        return observer(environment, kube).observe

    targets = await runtime.open("The observation of the environments", aclosing(Targets(observe)))

    async def use() -> None:
        await targets.use(configuration.current.environments, configuration.current.exporter.recent_observations)

    async def reload() -> None:
        configuration.reload()
        await use()

    await use()
    runtime.on_reload(reload)
    readiness = Readiness({FIRST_OBSERVATION: "no observation has ended yet"})
    health = [*health_routes(readiness), *reload_routes(runtime.reload, lifecycle=flags.lifecycle)]
    app = application(targets, configuration, process_registry("exporter"), health)
    await runtime.open("The HTTP listener", serving(app, flags.listen, web_config=web_config))
    await targets.scrape(configuration.current.exporter.default_deadline.total_seconds())
    readiness.met(FIRST_OBSERVATION)


def application(
    targets: Targets,
    configuration: ConfigurationFile,
    process: Collector,
    health: Sequence[web.RouteDef],
) -> web.Application:
    """The exporter's endpoints. `process` collects what is said of this process; `health` are the routes of `/-/`."""

    async def metrics(request: web.Request) -> web.Response:
        settings = configuration.current.exporter
        default, margin = settings.default_deadline.total_seconds(), settings.scrape_margin.total_seconds()
        seen = await targets.scrape(scrape_deadline(request.headers, default, margin))
        scrape = Scrape(seen, configuration.reloads, process)
        if len(seen) <= LARGEST_AT_ONCE:
            return metrics_response(request.headers, scrape)
        return await asyncio.to_thread(metrics_response, request.headers, scrape)

    async def landing(_request: web.Request) -> web.Response:
        return pages.landing(targets.history())

    async def observation(request: web.Request) -> web.Response:
        asked = request.match_info["name"]
        name = asked.removesuffix(".json")
        found = next((each for each in targets.history() if each.name == name), None)
        if found is None:
            return web.Response(status=404, text="This observation is not, or no longer, among the recent ones.\n")
        details = found.details()
        return pages.observation(details) if name == asked else web.json_response(details, headers=PAGE_HEADERS)

    async def config(_request: web.Request) -> web.Response:
        return web.Response(text=configuration.current.as_yaml(), headers=PAGE_HEADERS)

    app = web.Application()
    app.add_routes(
        [
            web.get("/", landing),
            web.get("/observations/{name}", observation),
            web.get("/config", config),
            web.get("/metrics", metrics),
            *health,
        ]
    )
    return app
