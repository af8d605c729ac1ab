"""The exporter's endpoints."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request, RouteDef
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import parser

from exporter.app import application
from exporter.history import row
from exporter.scrape import Observe, Targets
from exporter.settings import ConfigurationFile
from stagekeeper.diego.observation import Observation, Probe, Reply, Unknown
from stagekeeper.service.health import Readiness, health_routes
from tests.exporter.builders import UNIX, active, assessment, passive, pod, serving
from tests.testbed.patience import HANG_GUARD

Client = TestClient[Request, Application]


@asynccontextmanager
async def exporter(take: Observe, health: list[RouteDef] | None = None) -> AsyncIterator[Client]:
    configuration = ConfigurationFile(None)
    async with aclosing(Targets(lambda _environment: take)) as targets:
        await targets.use(configuration.current.environments, 3)
        app = application(targets, configuration, CollectorRegistry(), health or [])
        async with TestClient(TestServer(app)) as client:
            yield client


def observes(observation: Observation) -> Callable[[float], Awaitable[Observation]]:
    async def take(_within: float) -> Observation:
        return observation

    return take


async def never(_within: float) -> Observation:
    await asyncio.Event().wait()
    raise AssertionError("It never ends.")


async def text(client: Client, path: str, **headers: str) -> str:
    async with asyncio.timeout(HANG_GUARD), client.get(path, headers=headers) as response:
        assert response.status == 200
        return await response.text()


async def test_a_scrape_takes_an_observation() -> None:
    async with exporter(observes(serving())) as client:
        assert 'bbs_reachable{environment="cf"} 1.0' in await text(client, "/metrics")


async def test_openmetrics_is_whole_and_has_no_created_series() -> None:
    async with exporter(observes(serving())) as client:
        body = await text(client, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert body.endswith("# EOF\n")
    families = parser.text_string_to_metric_families(body)  # type: ignore[no-untyped-call]
    names = {sample.name for family in families for sample in family.samples}
    assert "bbs_probes_total" in names
    assert not [name for name in names if name.endswith("_created")]


async def test_an_observation_that_never_ends_is_answered_before_the_scrapers_timeout() -> None:
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "0.8"}
    async with exporter(never) as client:
        body = await text(client, "/metrics", **headers)
    assert 'stagekeeper_kubernetes_up{environment="cf"} 0.0' in body
    assert "bbs_reachable{" not in body


async def test_no_series_lingers_of_a_pod_that_is_gone() -> None:
    observations = iter([serving(), serving(pods=(active(),))])

    async def take(_within: float) -> Observation:
        return next(observations)

    async with exporter(take) as client:
        assert 'pod="diego-api-1"' in await text(client, "/metrics")
        assert 'pod="diego-api-1"' not in await text(client, "/metrics")


async def test_the_landing_page_shows_recent_observations_and_takes_none() -> None:
    taken = 0

    async def take(_within: float) -> Observation:
        nonlocal taken
        taken += 1
        return serving()

    async with exporter(take) as client:
        await text(client, "/metrics")
        page = await text(client, "/")
    assert taken == 1
    assert ">serving</span></td>" in page
    assert ">2 of 2</td>" in page


async def test_the_landing_page_escapes_what_others_wrote() -> None:
    evil = "<script>alert(1)</script>"
    observation = serving(
        service=Probe(Reply.TLS, evil), pods=(active(pod=pod(evil)), passive(probe=Probe(Reply.TLS, evil)))
    )
    async with exporter(observes(observation)) as client:
        await text(client, "/metrics")
        page = await text(client, "/")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_ready_comes_with_the_first_observation_and_healthy_before_it() -> None:
    readiness = Readiness({"first observation": "none yet"})

    async with exporter(never, health_routes(readiness)) as client:
        assert await text(client, "/-/healthy")
        async with client.get("/-/ready") as response:
            assert response.status == 503
        readiness.met("first observation")
        assert await text(client, "/-/ready")


def test_a_row_of_an_unread_environment_shows_no_number() -> None:
    cells = row(assessment(serving(pods=Unknown("no", "timeout"), service=Unknown("no time"))))
    assert cells[0] == "2026-11-23 12:00:00"
    assert cells[4:6] == ("not known (no time)", "?")


def test_a_row_tells_times_in_milliseconds() -> None:
    assert row(replace(assessment(at=UNIX), seconds=0.0123))[-1] == "12 ms"
