"""What the exporter answers over HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client.registry import Collector

from exporter.configuration import ConfigurationFile
from exporter.look import Look
from exporter.metrics import Scrape
from exporter.scrape import Targets
from stagekeeper.diego.evidence import probe
from stagekeeper.service.health import HEALTHY_PATH, READY_PATH
from stagekeeper.service.landing import Link, Table, landing_page
from stagekeeper.service.metrics import metrics_response, scrape_deadline

ABOUT = "Whether Cloud Foundry's stager can be reached: one look at each environment for each scrape."
LINKS = (
    Link("metrics", "Metrics", "takes a look"),
    Link(HEALTHY_PATH.lstrip("/"), "Healthy", "this process answers"),
    Link(READY_PATH.lstrip("/"), "Ready", "a first look has ended"),
)
COLUMNS = ("Ended (UTC)", "Environment", "Diagnosis", "Why", "Service", "Pods ready", "Took")


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
        return metrics_response(request.headers, Scrape(seen, configuration.reloads, process))

    async def landing(_request: web.Request) -> web.Response:
        rows = [row(look) for look in targets.recent()]
        return landing_page("Stagekeeper exporter", ABOUT, LINKS, [Table("Recent looks", COLUMNS, rows)])

    app = web.Application()
    app.add_routes([web.get("/", landing), web.get("/metrics", metrics), *health])
    return app


def row(look: Look) -> tuple[str, ...]:
    """A look as a line of the landing page's table."""
    seen = look.observation
    ready = (
        f"{sum(each.pod.all_ready for each in seen.pods)} of {len(seen.pods)}" if isinstance(seen.pods, tuple) else "?"
    )
    return (
        f"{datetime.fromtimestamp(look.ended_at, UTC):%Y-%m-%d %H:%M:%S}",
        f"{seen.environment} (profile {seen.picked})" if seen.picked else seen.environment,
        look.diagnosis.name.value,
        look.diagnosis.why,
        probe(seen.service),
        ready,
        f"{look.seconds * 1000:.0f} ms",
    )
