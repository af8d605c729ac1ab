"""The demo's own page: alerts, targets, remediations, pods and what each program did.

Debian's Prometheus and Alertmanager come without their web pages, and this one shows what theirs would.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from simulator.demo.watch import Watcher
from simulator.resources import PODS, REMEDIATIONS, Resource
from simulator.tables import table
from stagekeeper.service.pages import Link, Listing, Table, page_response

_AGAIN = "2"
"""Seconds after which a browser loads the page again."""


@contextlib.asynccontextmanager
async def serve_page(watcher: Watcher) -> AsyncIterator[str]:
    """Serve the page on a free loopback port, whose address is given, until the block ends."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path != "/":
            return web.Response(status=HTTPStatus.NOT_FOUND, text="Only / is here.\n")
        tables = [*await _alerts(watcher), await _targets(watcher), *_objects(watcher), _told(watcher)]
        links = [Link(address, name) for name, address in await pages(watcher)]
        about = f"{watcher.scenario.title} The page loads itself again every {_AGAIN} s."
        response = page_response("Stagekeeper demo", about, [Listing("Pages", links), *tables])
        response.headers["Refresh"] = _AGAIN
        return response

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def pages(watcher: Watcher) -> list[tuple[str, str]]:
    """Name and address of each program's own page; its API where it has no page."""
    ports = watcher.ports
    found = [
        ("Exporter", f"http://127.0.0.1:{ports.exporter}/"),
        ("Remediator", f"http://127.0.0.1:{ports.remediator}/"),
    ]
    for name, port, api in (
        ("Prometheus", ports.prometheus, "api/v1/alerts"),
        ("Alertmanager", ports.alertmanager, "api/v2/alerts"),
    ):
        page = (await watcher.answer(port, "") or "").lower()
        has_page = "<html" in page and "does not include a web" not in page
        found.append((name, f"http://127.0.0.1:{port}/{'' if has_page else api}"))
    return found


async def _alerts(watcher: Watcher) -> list[Table]:
    answer = await watcher.ask_prometheus("alerts")
    raised = [
        (each["labels"]["alertname"], each["state"], each["annotations"].get("summary", ""))
        for each in answer.get("data", {}).get("alerts", ())
    ]
    text = await watcher.answer(watcher.ports.alertmanager, "api/v2/alerts")
    received = [
        (each["labels"]["alertname"], _state(each["status"]), ", ".join(to["name"] for to in each["receivers"]))
        for each in (json.loads(text) if text else ())
    ]
    return [
        Table("Alerts in Prometheus", ("alert", "state", "summary"), sorted(raised)),
        Table("Alerts in Alertmanager", ("alert", "state", "for"), sorted(received)),
    ]


def _state(status: Mapping[str, Any]) -> str:
    """`active`, or by what the alert is held back."""
    causes = [name for key, name in (("inhibitedBy", "inhibited"), ("silencedBy", "silenced")) if status.get(key)]
    return " and ".join(causes) or str(status["state"])


async def _targets(watcher: Watcher) -> Table:
    answer = await watcher.ask_prometheus("targets")
    rows = [
        (each["labels"]["job"], each["scrapeUrl"], each["health"], each["lastError"])
        for each in answer.get("data", {}).get("activeTargets", ())
    ]
    return Table("Targets of Prometheus", ("job", "address", "health", "last error"), sorted(rows))


def _objects(watcher: Watcher) -> Iterable[Table]:
    """The objects as kubectl shows them."""
    for resource in (REMEDIATIONS, PODS):
        yield _rendered(watcher, resource)


def _rendered(watcher: Watcher, resource: Resource) -> Table:
    environment = watcher.environment
    items = environment.store.select(resource, environment.namespace)
    shown = table(resource, items, environment.store.version, environment.clock.now())
    columns = [column["name"].lower() for column in shown["columnDefinitions"]]
    rows = [["" if cell is None else str(cell) for cell in row["cells"]] for row in shown["rows"]]
    return Table(resource.plural.capitalize(), columns, rows)


def _told(watcher: Watcher) -> Table:
    return Table("What happened", ("when", "who", "what"), watcher.story.told)
