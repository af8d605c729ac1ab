"""What the remediator serves: the webhook, a status page, metrics, health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry

from remediator.keeper import Keeper
from remediator.metrics import Metrics
from remediator.settings import RemediatorSettings
from remediator.status import page
from remediator.webhook import PATH, Webhook
from stagekeeper.service.auth import BearerToken, bearer_auth
from stagekeeper.service.landing import PAGE_HEADERS
from stagekeeper.service.metrics import metrics_response


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that the application stands on."""

    settings: RemediatorSettings
    webhook: Webhook
    token: BearerToken
    keepers: Mapping[str, Keeper]
    registry: CollectorRegistry
    metrics: Metrics
    health: Sequence[web.RouteDef]


def application(served: Served) -> web.Application:
    """The application, ready to be served."""

    async def alerts(request: web.Request) -> web.StreamResponse:
        began = perf_counter()
        response = await served.webhook.handle(request)
        served.metrics.duration.observe(perf_counter() - began)
        return response

    async def metrics(request: web.Request) -> web.Response:
        return metrics_response(request.headers, served.registry)

    async def status(_request: web.Request) -> web.Response:
        known = [keeper.world.status() for keeper in served.keepers.values()]
        text = page(served.settings.mode, known, datetime.now(UTC))
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)

    app = web.Application(
        middlewares=[_counted(served.metrics), bearer_auth(served.token, [PATH])],
        client_max_size=served.settings.webhook.largest_body,
    )
    app.add_routes([web.post(PATH, alerts), web.get("/", status), web.get("/metrics", metrics), *served.health])
    return app


def _counted(metrics: Metrics) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as problem:
            if request.path == PATH:
                metrics.requests.labels(str(problem.status)).inc()
            raise
        if request.path == PATH:
            metrics.requests.labels(str(response.status)).inc()
        return response

    return count
