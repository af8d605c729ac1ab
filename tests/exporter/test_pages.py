"""The exporter's pages: what was seen, each observation in full, and the configuration in force."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import CollectorRegistry

from exporter.app import application
from exporter.history import details, entry
from exporter.pages import landing
from exporter.scrape import Targets
from exporter.settings import ConfigurationFile, exporter_settings
from stagekeeper.config.document import parse
from stagekeeper.diego.environments import environments
from stagekeeper.diego.observation import Observation, Probe, Reply, Unknown
from tests.diego.observations import NOW
from tests.exporter.builders import OK, active, assessment, passive, pod, serving
from tests.testbed.browser import FAINT, browser
from tests.testbed.patience import HANG_GUARD

Client = TestClient[Request, Application]
ENDS = NOW + timedelta(days=90)


@asynccontextmanager
async def exporter(observation: Observation, configuration: ConfigurationFile | None = None) -> AsyncIterator[Client]:
    """An exporter that has observed once."""
    configuration = configuration or ConfigurationFile(None)

    async def take(_within: float) -> Observation:
        return observation

    async with aclosing(Targets(lambda _environment: take)) as targets:
        await targets.use(configuration.current.environments, 3)
        app = application(targets, configuration, CollectorRegistry(), [])
        async with TestClient(TestServer(app)) as client:
            await text(client, "/metrics")
            yield client


async def text(client: Client, path: str, status: int = 200) -> str:
    async with asyncio.timeout(HANG_GUARD), client.get(path) as response:
        assert response.status == status
        return await response.text()


def links(page: str) -> list[str]:
    return re.findall(r'<a href="(observations/[^"]*)"', page)


async def test_each_recent_observation_leads_to_its_page() -> None:
    async with exporter(serving()) as client:
        (first,) = links(await text(client, "/"))
        page = await text(client, f"/{first}")
        await text(client, "/metrics")
        assert len(links(await text(client, "/"))) == 2
        assert await text(client, f"/{first}") == page
    assert "<h1>cf: serving</h1>" in page
    assert "<p>diego-api-0 " in page
    assert "<li>StatefulSet diego-api: 2 replicas.</li>" in page
    for cell in ("Service", "diego-api-0", "refused", "connection refused", "2.0"):
        assert f">{cell}</td>" in page


async def test_the_same_is_there_as_json_with_phases_and_certificates() -> None:
    server = replace(OK, address="10.0.0.1", certificate_ends=ENDS)
    async with exporter(serving(service=server)) as client:
        (link,) = links(await text(client, "/"))
        found = json.loads(await text(client, f"/{link}.json"))
        page = await text(client, f"/{link}")
    assert found["name"] == link.removeprefix("observations/")
    assert details("", assessment(seconds=1 / 3), {})["seconds"] == 0.333333
    assert found["diagnosis"]["name"] == "serving"
    assert found["reachable"] is True
    assert found["probes"][0] == {
        "target": "Service",
        "address": "10.0.0.1",
        "reply": "ok",
        "detail": "",
        "phases": {"dns": 0.001, "connect": 0.001, "tls": 0.002, "request": 0.002},
    }
    assert [each["target"] for each in found["probes"]] == ["Service", "diego-api-0", "diego-api-1"]
    assert found["certificates"] == {"server": ENDS.isoformat()}
    assert len(found["evidence"]) >= 3
    assert f"{ENDS:%Y-%m-%d %H:%M:%S} UTC" in page


async def test_what_could_not_be_read_is_said_so() -> None:
    async with exporter(serving(pods=Unknown("no", "timeout"), service=Unknown("no time"))) as client:
        (link,) = links(await text(client, "/"))
        found = json.loads(await text(client, f"/{link}.json"))
        assert "not known (no time)" in await text(client, f"/{link}")
    assert (found["reachable"], found["probes"][0]["reply"]) == (None, None)


async def test_what_others_wrote_is_shown_and_not_obeyed() -> None:
    evil = "<script>alert(1)</script>\u202e\x9b"
    observation = serving(
        service=Probe(Reply.TLS, evil, evil), pods=(active(pod=pod(evil)), passive(probe=Probe(Reply.TLS, evil)))
    )
    async with exporter(observation) as client:
        for path in ("/", f"/{links(await text(client, '/'))[0]}"):
            page = await text(client, path)
            assert "<script" not in page
            assert r"&lt;script&gt;alert(1)&lt;/script&gt;\u202e\x9b" in page
            assert page.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["cf-20261130T064821.417Z", "x.json", "<b>", ".json"])
async def test_an_observation_that_is_not_kept_is_404(name: str) -> None:
    async with exporter(serving()) as client:
        said = await text(client, f"/observations/{name}", 404)
    assert said == "This observation is not, or no longer, among the recent ones.\n"


async def test_the_configuration_in_force_is_a_file_that_means_the_same_and_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    secret = tmp_path / "token"
    secret.write_text("hunter2" * 5)
    tls = f"{{ca_file: {secret}, cert_file: {secret}, key_file: {secret}}}"
    path.write_text(
        f"environments: [{{name: cf, profile: cfee-4, tls: {tls}}}]\nexporter: {{recent_observations: 5}}\n"
        f"remediator: {{mode: observe, webhook: {{token_file: {secret}}}}}\n"
    )
    configuration = ConfigurationFile(path)
    async with exporter(serving(), configuration) as client:
        told = await text(client, "/config")
    assert "hunter2" not in told
    document = parse(told, "config")
    assert environments(document) == configuration.current.environments
    assert exporter_settings(document) == configuration.current.exporter


def test_the_landing_page_has_no_more_rows_than_a_person_reads() -> None:
    kept = entry(assessment(serving()), {})
    page = landing([kept] * 501).text or ""
    assert page.count("<tr>") == 501  # with the head
    head = ["Ended (UTC)", "Environment", "Diagnosis", "Why", "Service", "Pods ready", "Took"]
    assert re.findall("<th>(.*?)</th>", page) == head


def test_an_observation_is_kept_in_few_bytes() -> None:
    kept = entry(assessment(serving(), at=NOW.timestamp() + 0.9375), {"client": ENDS, "ca": ENDS})
    assert kept.name.endswith("-20261123T120000.937Z")
    assert len(kept.packed) < 800


WANTED = ("Metrics", "Configuration", "Recent observations", "network_fault", "diego-api-0", "2 of 2")
WANTED_OF_ONE = ("Evidence", "Probes", "Certificates", "Reachable", "As JSON", "StatefulSet diego-api: 2 replicas.")


@pytest.mark.programs
@pytest.mark.parametrize("width", [360, 1200])
async def test_a_person_can_read_all_of_it_on_every_screen_by_day_and_by_night(
    tmp_path: Path, program: Callable[[str], Path], width: int
) -> None:
    long = serving(service=Probe(Reply.TLS, "certificate verify failed: " + "unable-to-get-issuer" * 20, "10.0.0.1"))
    async with exporter(long) as client, browser(program("chromium"), tmp_path) as page:
        (link,) = links(await text(client, "/"))
        for path, shown in (("/", WANTED), (f"/{link}", WANTED_OF_ONE)):
            await page.open(str(client.make_url(path)), width=width, height=800)
            found: Any = await page.ask("[document.documentElement.scrollWidth, document.body.innerText]")
            assert found[0] <= width
            assert [each for each in shown if each not in found[1]] == []
            for dark in (False, True):
                await page.photograph(dark=dark)  # sets the scheme
                assert await page.ask(FAINT) == []
