"""The exporter's pages: what it is and what it has seen, one observation in full. Pure but for the response."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from exporter.history import COLUMNS, KeptObservation
from stagekeeper.diego.conditions import Condition, kind
from stagekeeper.service.health import HEALTHY_PATH, READY_PATH
from stagekeeper.service.pages import Cell, Facts, Link, Listing, Table, Word, page_response

TITLE = "Stagekeeper exporter"
ABOUT = "Whether Cloud Foundry's stager can be reached: one observation of each environment for each scrape."
MOST_ROWS = 500
"""Observations on the landing page: those of a thousand environments would be megabytes of it."""
PHASES = ("dns", "connect", "tls", "request")
_LINKS = (
    Link("metrics", "Metrics", "takes an observation"),
    Link("config", "Configuration", "as it is in force"),
    Link(HEALTHY_PATH.lstrip("/"), "Healthy", "this process answers"),
    Link(READY_PATH.lstrip("/"), "Ready", "a first observation has ended"),
)


def landing(entries: Iterable[KeptObservation]) -> web.Response:
    """The page at `/`; `entries` come newest first."""
    rows = [_linked(each) for each in list(entries)[:MOST_ROWS]]
    return page_response(TITLE, ABOUT, [Listing("Endpoints", _LINKS), Table("Recent observations", COLUMNS, rows)])


def _linked(entry: KeptObservation) -> list[Cell]:
    ended, environment, diagnosis, *others = entry.cells
    return [Link(f"observations/{quote(entry.name)}", ended), environment, _word(diagnosis), *others]


def _word(diagnosis: str) -> Word:
    return Word(diagnosis, kind(Condition(diagnosis)))


def observation(found: Mapping[str, Any]) -> web.Response:
    """The page of one observation, from its details."""
    diagnosis = found["diagnosis"]
    facts: list[tuple[str, Cell]] = [
        ("Environment", found["environment"]),
        ("Diagnosis", (_word(diagnosis["name"]), f"row {diagnosis['row']}")),
        ("Reachable", {True: "yes", False: "no", None: "not known"}[found["reachable"]]),
        ("Fixed by a restart", diagnosis["restart"]),
        ("Ended", _moment(found["endedAt"])),
        ("API server's time", _moment(found["takenAt"])),
        ("Took", f"{_milliseconds(found['seconds'])} ms{'' if found['complete'] else ', and did not end by itself'}"),
        ("As JSON", Link(f"{quote(found['name'])}.json", f"{found['name']}.json")),
        ("All", Link("..", "recent observations")),
    ]
    probes = [
        [each["target"], each["address"], each["reply"] or "not known", each["detail"], *_phases(each["phases"])]
        for each in found["probes"]
    ]
    ends = [[which, _moment(end)] for which, end in found["certificates"].items()]
    columns = ("Asked", "Address", "Reply", "Detail", *(f"{phase}, ms" for phase in PHASES))
    return page_response(
        f"{found['environment']}: {diagnosis['name']}",
        diagnosis["why"],
        [
            Facts("Observation", facts),
            Listing("Evidence", found["evidence"]),
            Table("Probes", columns, probes),
            Table("Certificates", ("Which", "Ends"), ends),
        ],
    )


def _phases(phases: Mapping[str, float]) -> list[Cell]:
    return [_milliseconds(phases[phase]) if phase in phases else "" for phase in PHASES]


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
