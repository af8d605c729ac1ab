"""Prometheus with our rules and two Alertmanagers with our example's routes, all of them quicker than in production."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.alerts.catalogue import ALERTS_FOLDER
from tests.alerts_live.pager import Pager
from tests.alerts_live.rules import rules
from tests.alerts_live.site import EXPORTER, LOOPBACK, REMEDIATOR, Site
from tests.testbed.process import Process, free_port

Program = Callable[[str], Path]
ELSEWHERE = "elsewhere"
"""An environment that no remediator has, and that a route sends to one all the same."""


@dataclass(slots=True)
class Monitoring:
    """What watches the sites and calls people."""

    prometheus: str
    alertmanagers: tuple[str, ...]
    pager: Pager
    start_second: Callable[[], Process]
    second: Process
    session: aiohttp.ClientSession
    write_routes: Callable[[bool], None]

    async def route(self, *, to_remediators: bool) -> None:
        """Have the first Alertmanager call the remediators, or nobody but people."""
        self.write_routes(to_remediators)
        async with self.session.post(f"{self.alertmanagers[0]}/-/reload") as response:
            assert response.status == HTTPStatus.OK

    async def tell(self, environment: str, *, firing: bool) -> None:
        """Tell the first Alertmanager of an outage that no rule of ours has seen."""
        labels = {"alertname": "StagerUnavailable", "environment": environment, "severity": "critical"}
        ends = datetime.now(UTC) + timedelta(hours=1 if firing else 0)
        alert = {"labels": labels, "endsAt": ends.isoformat()}
        async with self.session.post(f"{self.alertmanagers[0]}/api/v2/alerts", json=[alert]) as response:
            assert response.status == HTTPStatus.OK

    async def holds(self, query: str) -> bool:
        """Whether a query has a result."""
        with contextlib.suppress(aiohttp.ClientError):
            async with self.session.get(f"{self.prometheus}/api/v1/query", params={"query": query}) as response:
                return bool((await response.json())["data"]["result"])
        return False

    async def until(self, query: str, timeout: float = 60) -> None:
        """Wait until a query has a result."""
        async with asyncio.timeout(timeout):
            while not await self.holds(query):  # noqa: ASYNC110 - Prometheus has no event to wait for
                await asyncio.sleep(0.2)


def prometheus_configuration(sites: Sequence[Site], alertmanager: str) -> dict[str, Any]:
    """As alerts/prometheus.example.yaml, with the sites' addresses. A slow look still fits between two scrapes."""
    return {
        "global": {"scrape_interval": "2500ms", "scrape_timeout": "2500ms", "evaluation_interval": "500ms"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]},
        "scrape_configs": [_scrape(sites, program) for program in (EXPORTER, REMEDIATOR)],
    }


def _scrape(sites: Sequence[Site], program: str) -> dict[str, Any]:
    targets = [f"{LOOPBACK}:{site.ports[program]}" for site in sites]
    return {"job_name": f"stagekeeper-{program}", "honor_labels": True, "static_configs": [{"targets": targets}]}


def alertmanager_configuration(sites: Sequence[Site], pager: str, *, to_remediators: bool) -> dict[str, Any]:
    """alerts/alertmanager.example.yaml with the receivers' addresses and all waits shortened."""
    document: dict[str, Any] = yaml.safe_load((ALERTS_FOLDER / "alertmanager.example.yaml").read_text())
    for route in (document["route"], *document["route"]["routes"]):
        for key, quick in (("group_wait", "250ms"), ("group_interval", "1s")):
            if key in route:
                route[key] = quick
    people = [{"url": f"{pager}/people", "send_resolved": True}]
    document["receivers"] = [
        {"name": "pager", "webhook_configs": people},
        {"name": "tickets", "webhook_configs": people},
        *({"name": f"stagekeeper-{site.name}", "webhook_configs": [_webhook(site)]} for site in sites),
    ]
    usual, *others = document["route"]["routes"]
    of_remediators = [_route(usual, site.name, site) for site in sites] + [_route(usual, ELSEWHERE, sites[0])]
    document["route"]["routes"] = [*(of_remediators if to_remediators else ()), *others]
    return document


def _route(usual: dict[str, Any], environment: str, site: Site) -> dict[str, Any]:
    """Each site has a remediator of its own, as each cluster has."""
    matchers = [*usual["matchers"], f'environment="{environment}"']
    return {**usual, "receiver": f"stagekeeper-{site.name}", "matchers": matchers}


def _webhook(site: Site) -> dict[str, Any]:
    authorization = {"type": "Bearer", "credentials_file": str(site.token_file)}
    url = f"{site.url(REMEDIATOR)}/api/v1/alerts"
    return {"url": url, "send_resolved": True, "http_config": {"authorization": authorization}}


@contextlib.asynccontextmanager
async def monitoring(
    program: Program, folder: Path, sites: Sequence[Site], alertmanagers: tuple[str, ...]
) -> AsyncIterator[Monitoring]:
    """Everything that watches, until the block ends. The second Alertmanager gets no alerts: it is asked only."""
    folder.mkdir()  # noqa: ASYNC240 - one folder, before anything runs
    async with contextlib.AsyncExitStack() as exits:
        pager = Pager()
        pagers = await exits.enter_async_context(_serving(pager.application()))

        def write_routes(to_remediators: bool) -> None:  # noqa: FBT001 -- the one thing that it is about
            configuration = alertmanager_configuration(sites, pagers, to_remediators=to_remediators)
            _dump(folder / "alertmanager.yaml", configuration)

        write_routes(True)  # noqa: FBT003 -- as above
        _dump(folder / "prometheus.yaml", prometheus_configuration(sites, alertmanagers[0]))
        _dump(folder / "rules.yaml", rules())

        def start(number: int) -> Process:
            process = _alertmanager(program, folder, alertmanagers[number], number)
            exits.push_async_callback(asyncio.to_thread, process.stop)
            return process

        start(0)
        prometheus, url = _prometheus(program, folder)
        exits.push_async_callback(asyncio.to_thread, prometheus.stop)
        session = await exits.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)))
        yield Monitoring(url, alertmanagers, pager, lambda: start(1), start(1), session, write_routes)


def _alertmanager(program: Program, folder: Path, url: str, number: int) -> Process:
    arguments = [
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / f'alertmanager-{number}'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    log = folder / f"alertmanager-{number}.log"
    return Process(f"Alertmanager {number}", [program("prometheus-alertmanager"), *arguments], log)


def _prometheus(program: Program, folder: Path) -> tuple[Process, str]:
    address = f"{LOOPBACK}:{free_port()}"
    arguments = [
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
    ]
    process = Process("Prometheus", [program("prometheus"), *arguments], folder / "prometheus.log")
    return process, f"http://{address}"


@contextlib.asynccontextmanager
async def _serving(application: web.Application) -> AsyncIterator[str]:
    """An HTTP server of the test's own; gives its URL."""
    async with TestServer(application, host=LOOPBACK) as server:
        yield str(server.make_url("/")).rstrip("/")


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
