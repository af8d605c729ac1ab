import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from stagekeeper.service.build import Build, build
from stagekeeper.service.metrics import metrics_response, process_registry, scrape_deadline

PROMETHEUS_ACCEPT = (  # Prometheus 2.42
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = process_registry("exporter", Build("1.2.3", "abc", "3.11.0"))
    Counter("observations", "Looks.", registry=registry).inc()
    Histogram("round_trip_seconds", "Round trips.", registry=registry).observe(0.1)
    Gauge("pod_created", "Not a series of the library, in spite of its name.", registry=registry).set(1)
    return registry


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0.0", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=nonsense", OPENMETRICS),
        (PROMETHEUS_ACCEPT, OPENMETRICS),
        ("text/plain;q=1.0, application/openmetrics-text;q=0.5", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0.1,text/*;q=0.9", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0.5,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "text/plain;q=0.2,*/*;q=0.8,application/openmetrics-text;q=0.5",
            OPENMETRICS,
        ),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.4", OPENMETRICS),
        ("application/openmetrics-text;q=often,text/plain;q=0.4", OPENMETRICS),
    ],
)
def test_the_accept_header_chooses_the_format(
    registry: CollectorRegistry, accept: str | None, content_type: str
) -> None:
    response = metrics_response({"Accept": accept} if accept else {}, registry)
    assert response.headers["Content-Type"] == content_type
    assert isinstance(response.body, bytes)
    assert response.body.endswith(b"# EOF\n") == content_type.startswith("application/")


@pytest.mark.parametrize("accept", ["*/*", PROMETHEUS_ACCEPT])
def test_created_series_are_left_out_and_nothing_else_is(registry: CollectorRegistry, accept: str) -> None:
    response = metrics_response({"Accept": accept}, registry)
    assert isinstance(response.body, bytes)
    names = {line.split(b"{")[0].split(b" ")[0] for line in response.body.splitlines() if not line.startswith(b"#")}
    assert {name for name in names if name.endswith(b"_created")} == {b"pod_created"}
    assert {b"observations_total", b"round_trip_seconds_bucket", b"round_trip_seconds_count"} <= names
    assert b"process_resident_memory_bytes" in names
    assert not any(name.startswith(b"python_") for name in names)


def test_openmetrics_is_accepted_by_its_own_parser(registry: CollectorRegistry) -> None:
    response = metrics_response({"Accept": PROMETHEUS_ACCEPT}, registry)
    assert isinstance(response.body, bytes)
    families = {family.name: family for family in parse(response.body.decode())}  # type: ignore[no-untyped-call]
    assert families["stagekeeper_build_info"].samples[0].labels == {
        "version": "1.2.3",
        "revision": "abc",
        "pythonversion": "3.11.0",
        "program": "exporter",
    }


@pytest.mark.programs
def test_promtool_finds_nothing_to_complain_about_in_our_own_series(monitoring: Callable[[str], Path]) -> None:
    response = metrics_response({}, process_registry("exporter"))
    assert isinstance(response.body, bytes)
    command: list[str | Path] = [monitoring("promtool"), "check", "metrics"]
    checked = subprocess.run(command, input=response.body, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("accept_encoding", "zipped"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("", False), ("identity", False), ("gzip;q=0", False)],
)
def test_an_answer_is_zipped_where_that_is_accepted(
    registry: CollectorRegistry, *, accept_encoding: str, zipped: bool
) -> None:
    response = metrics_response({"Accept-Encoding": accept_encoding}, registry)
    assert isinstance(response.body, bytes)
    assert response.headers.get("Content-Encoding") == ("gzip" if zipped else None)
    assert b"observations_total 1.0" in (gzip.decompress(response.body) if zipped else response.body)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 9.5),
        ("10.000000", 9.5),
        ("0.55", 0.1),
        ("0.2", 0.1),
        ("0", 7),
        ("-3", 7),
        ("nan", 7),
        ("inf", 7),
        ("ten", 7),
        ("", 7),
        (None, 7),
    ],
)
def test_a_scrape_ends_before_prometheus_gives_up(value: str | None, seconds: float) -> None:
    headers = {} if value is None else {"X-Prometheus-Scrape-Timeout-Seconds": value}
    assert scrape_deadline(headers, default=7) == pytest.approx(seconds)


def test_the_revision_is_what_the_image_says() -> None:
    assert build({"STAGEKEEPER_REVISION": "abc"}).revision == "abc"
    assert build({}).revision == "unknown"
