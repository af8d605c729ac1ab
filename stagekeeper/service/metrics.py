"""/metrics: which format, how compressed, by when, and what every process of ours says of itself."""

import gzip
import math
import re
from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics, exposition
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from stagekeeper.service.build import Build, build

SCRAPE_TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
_SHORTEST_DEADLINE = 0.1
"""Seconds."""
_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d*)?)")


def process_registry(program: str, running: Build | None = None) -> CollectorRegistry:
    """A new registry that holds `stagekeeper_build_info` and the platform's `process_*`, and nothing else.

    From now on no registry of this process has `_created` series: they double their number and nobody asks for them.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]  # so in prometheus_client
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    running = running or build()
    labels = {
        "version": running.version,
        "revision": running.revision,
        "pythonversion": running.python,
        "program": program,
    }
    said = "A metric with a constant 1, labelled by version, revision, pythonversion and program."
    Gauge("stagekeeper_build_info", said, list(labels), registry=registry).labels(**labels).set(1)
    return registry


def metrics_response(headers: Mapping[str, str], registry: Collector) -> web.Response:
    """The answer to a scrape: what `registry` collects now.

    `headers` are the request's: `Accept` chooses OpenMetrics 1.0 or the Prometheus text format, `Accept-Encoding`
    chooses gzip. The library's own choice fails on a version that is no number, claims any version that is asked for,
    and does not know weights.
    """
    accept = _weights(headers.get("Accept", ""))
    plain = next((accept[kind] for kind in ("text/plain", "text/*", "*/*") if kind in accept), 0.0)
    if 0 < accept.get("application/openmetrics-text", 0.0) >= plain:
        body, content_type = _openmetrics(registry), openmetrics.CONTENT_TYPE_LATEST
    else:
        body, content_type = exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4
    answer = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    encodings = _weights(headers.get("Accept-Encoding", ""))
    if 0 < encodings.get("gzip", 0.0) >= encodings.get("identity", 0.0):
        body = gzip.compress(body, compresslevel=1)
        answer["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=answer)


def scrape_deadline(headers: Mapping[str, str], default: float, margin: float = 0.5) -> float:
    """How many seconds a scrape may take: what Prometheus says it waits for, minus `margin`.

    Without the header, or with a value that is not a positive finite number, `default` seconds. Never below 0.1 s, so
    that a very short timeout still gets the series that need no observation.
    """
    announced = _seconds(headers.get(SCRAPE_TIMEOUT_HEADER, ""))
    return default if announced is None else max(announced - margin, _SHORTEST_DEADLINE)


def _openmetrics(registry: Collector) -> bytes:
    text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # so in prometheus_client
    return text


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _weights(header: str) -> dict[str, float]:
    """What a list header names, each with its weight from 0 to 1; one that is no number counts as 1."""
    found: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((match[1] for each in parameters if (match := _WEIGHT.fullmatch(each))), "1")
        found.setdefault(name, float(weight))
    return found
