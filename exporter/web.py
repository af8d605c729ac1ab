"""What the exporter answers over HTTP."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from prometheus_client.registry import Collector

from exporter.configuration import ConfigurationFile
from exporter.metrics import Scrape
from exporter.recent import COLUMNS
from exporter.scrape import Targets
from stagekeeper.service.health import HEALTHY_PATH, READY_PATH
from stagekeeper.service.landing import Link, Table, landing_page
from stagekeeper.service.metrics import metrics_response, scrape_deadline

ABOUT = "Whether Cloud Foundry's stager can be reached: one observation of each environment for each scrape."
LARGEST_AT_ONCE = 20
"""Environments whose answer is written on the event loop: more than 10 ms of it would hold up everything else."""
LINKS = (
    Link("metrics", "Metrics", "takes an observation"),
    Link(HEALTHY_PATH.lstrip("/"), "Healthy", "this process answers"),
    Link(READY_PATH.lstrip("/"), "Ready", "a first observation has ended"),
)


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
        rows = [assessment.cells for assessment in targets.recent()]
        return landing_page("Stagekeeper exporter", ABOUT, LINKS, [Table("Recent observations", COLUMNS, rows)])

    app = web.Application()
    app.add_routes([web.get("/", landing), web.get("/metrics", metrics), *health])
    return app
