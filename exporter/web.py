"""What the exporter answers over HTTP."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from prometheus_client.registry import Collector

from exporter import pages
from exporter.configuration import ConfigurationFile
from exporter.metrics import Scrape
from exporter.scrape import Targets
from stagekeeper.service.metrics import metrics_response, scrape_deadline
from stagekeeper.service.pages import PAGE_HEADERS

LARGEST_AT_ONCE = 20
"""Environments whose answer is written on the event loop: more than 10 ms of it would hold up everything else."""


def application(
    targets: Targets,
    configuration: ConfigurationFile,
    process: Collector,
    health: Sequence[web.RouteDef],
) -> web.Application:
    """The exporter's endpoints. `process` collects what is said of this process; `health` are the routes of `/-/`."""

    async def metrics(request: web.Request) -> web.Response:
        settings = configuration.current.exporter
        seen = await targets.seen(scrape_deadline(request.headers, settings.default_deadline, settings.scrape_margin))
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
