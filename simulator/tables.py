"""Objects as rows of a table, which is how kubectl asks for them: the server says what stands in which column."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from simulator.clock import parse_timestamp
from simulator.resources import ENDPOINTS, NODES, PODS, REMEDIATIONS, SERVICES, STATEFULSETS, Resource

Object = dict[str, Any]
Cell = str | int | None
_WANTED = re.compile(r"(?:^|,)\s*application/json;[^,]*\bas=Table\b")
_CRD = Path(__file__).parents[1] / "charts" / "stagekeeper" / "crds" / "remediations.yaml"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is called, and what stands in it for an object at a moment."""

    name: str
    cell: Callable[[Object, datetime], Cell]
    wide: bool = False
    """Only `-o wide` shows it."""
    kind: str = "string"


def wants_table(accept: str) -> bool:
    """Whether an Accept header asks for a table."""
    return _WANTED.search(accept) is not None


def table(resource: Resource, items: Sequence[Object], version: str, now: datetime) -> Object:
    """These objects as a `meta.k8s.io/v1` Table."""
    columns = _columns(resource)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [
            {
                "name": column.name,
                "type": column.kind,
                "format": "name" if column is _NAME else "",
                "description": "",
                "priority": int(column.wide),
            }
            for column in columns
        ],
        "rows": [{"cells": [each.cell(item, now) for each in columns], "object": _partial(item)} for item in items],
    }


def age(since: str | None, now: datetime) -> str:
    """How long ago, in kubectl's words: `45s`, `7m30s`, `3h`, `12d`."""
    if not since:
        return "<unknown>"
    seconds = max(0, int((now - parse_timestamp(since)) / timedelta(seconds=1)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    for unit, below, whole, rest in (
        ("s", 120, seconds, ""),
        ("m", 600, minutes, f"{seconds % 60}s"),
        ("m", 10_800, minutes, ""),
        ("h", 28_800, hours, f"{minutes % 60}m"),
        ("h", 172_800, hours, ""),
    ):
        if seconds < below:
            return f"{whole}{unit}{'' if rest[:1] == '0' else rest}"
    return f"{days}d"


def _partial(item: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def _name(item: Object, _: datetime) -> str:
    return str(item["metadata"]["name"])


def _age(item: Object, now: datetime) -> str:
    return age(item["metadata"].get("creationTimestamp"), now)


_NAME = Column("Name", _name)
_AGE = Column("Age", _age)


def _ready_of_pod(pod: Object, _: datetime) -> str:
    statuses = pod["status"].get("containerStatuses", ())
    return f"{sum(bool(each.get('ready')) for each in statuses)}/{len(pod['spec']['containers'])}"


def _state_of_pod(pod: Object, _: datetime) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for status in reversed(pod["status"].get("containerStatuses", ())):
        for state in ("waiting", "terminated"):
            if reason := status.get("state", {}).get(state, {}).get("reason"):
                return str(reason)
    return str(pod["status"].get("reason") or pod["status"].get("phase", "Unknown"))


def _restarts(pod: Object, now: datetime) -> Cell:
    statuses = pod["status"].get("containerStatuses", ())
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [each.get("lastState", {}).get("terminated", {}).get("finishedAt") for each in statuses]
    last = max(filter(None, ends), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _ready_of_statefulset(item: Object, _: datetime) -> str:
    return f"{item.get('status', {}).get('readyReplicas', 0)}/{item['spec'].get('replicas', 1)}"


def _ports(service: Object, _: datetime) -> str:
    return ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in service["spec"].get("ports", ()))


def _addresses(endpoints: Object, _: datetime) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in endpoints.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return ",".join(found) or "<none>"


def _state_of_node(node: Object, _: datetime) -> str:
    conditions = {each["type"]: each["status"] for each in node.get("status", {}).get("conditions", ())}
    return {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")


def _involved(event: Object, _: datetime) -> str:
    about = event.get("involvedObject") or event.get("regarding") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _last_seen(event: Object, now: datetime) -> str:
    return age(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp"), now)


def _field(*names: str) -> Callable[[Object, datetime], Cell]:
    """The value at a path of an object; None where there is none."""

    def cell(item: Object, _: datetime) -> Cell:
        found: Any = item
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found if found is None or isinstance(found, int) else str(found)

    return cell


_OF_KIND: dict[Resource, Sequence[Column]] = {
    PODS: (
        Column("Ready", _ready_of_pod),
        Column("Status", _state_of_pod),
        Column("Restarts", _restarts),
        _AGE,
        Column("IP", _field("status", "podIP"), wide=True),
        Column("Node", _field("spec", "nodeName"), wide=True),
    ),
    STATEFULSETS: (Column("Ready", _ready_of_statefulset), _AGE),
    SERVICES: (
        Column("Type", lambda item, _: item["spec"].get("type", "ClusterIP")),
        Column("Cluster-IP", _field("spec", "clusterIP")),
        Column("Port(s)", _ports),
        _AGE,
    ),
    ENDPOINTS: (Column("Endpoints", _addresses), _AGE),
    NODES: (Column("Status", _state_of_node), _AGE),
}
_EVENT = (
    Column("Last Seen", _last_seen),
    Column("Type", _field("type")),
    Column("Reason", _field("reason")),
    Column("Object", _involved),
    Column("Source", _field("source", "component"), wide=True),
    Column("Message", _field("message")),
    Column("Name", _name, wide=True),
)


def _columns(resource: Resource) -> Sequence[Column]:
    if resource.kind == "Event":
        return _EVENT
    return _NAME, *(_of_remediations() if resource is REMEDIATIONS else _OF_KIND.get(resource, (_AGE,)))


@cache
def _of_remediations() -> tuple[Column, ...]:
    """The columns that the CustomResourceDefinition declares."""
    definition = yaml.safe_load(_CRD.read_text(encoding="utf-8"))
    return tuple(
        Column(
            declared["name"],
            _date(*_path(declared)) if declared["type"] == "date" else _field(*_path(declared)),
            wide=declared.get("priority", 0) > 0,
            kind=declared["type"],
        )
        for declared in definition["spec"]["versions"][0]["additionalPrinterColumns"]
    )


def _path(declared: Object) -> list[str]:
    return str(declared["jsonPath"]).strip(".").split(".")


def _date(*names: str) -> Callable[[Object, datetime], Cell]:
    """How long ago the time at a path was; None where there is none."""
    field = _field(*names)

    def cell(item: Object, now: datetime) -> Cell:
        found = field(item, now)
        return None if found is None else age(str(found), now)

    return cell
