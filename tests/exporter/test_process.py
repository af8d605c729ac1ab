"""The exporter as users run it: a process, against a simulated environment."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.environment import simulated_environment
from simulator.layouts import CFEE_2
from tests.exporter.programs import QUICK, configuration, down, exporter, number

QUICK_LABELS = replace(CFEE_2, label_interval=0.2)
LARGEST_RSS = 80 * 2**20
WAIVED = "active_bbs_count"
"""Users know the tutorial's count of active BBS by this name, though promtool keeps `_count` for histograms."""


async def promtool(path: Path, text: str) -> list[str]:
    """What `promtool check metrics` complains of."""
    checker = await asyncio.create_subprocess_exec(
        path, "check", "metrics", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await checker.communicate(text.encode())
    return said.decode().splitlines()


@pytest.mark.programs
async def test_a_serving_environment_is_told_in_full_within_the_memory_it_may_have(
    tmp_path: Path, program: Callable[[str], Path]
) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(QUICK_LABELS, tmp_path, QUICK))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        running = await stack.enter_async_context(exporter(tmp_path, *flags))
        text = await running.until("/metrics", 'active_bbs_count{environment="cf"} 1.0')
        for _ in range(30):
            text = await running.scrape()
        complaints = await promtool(program("promtool"), text)
    assert number(text, 'bbs_reachable{environment="cf"}') == 1
    assert number(text, 'diego_api_ready{environment="cf"}') == 2
    assert number(text, 'diego_bbs_diagnosis{diagnosis="serving",environment="cf"}') == 1
    for which in ("server", "client", "ca"):
        assert number(text, f'bbs_certificate_expiry_timestamp_seconds{{environment="cf",which="{which}"}}')
    assert [line for line in complaints if WAIVED not in line] == []
    rss = number(text, "process_resident_memory_bytes") or 0
    print(f"RSS of the exporter after {30} scrapes: {rss / 2**20:.1f} MiB")  # noqa: T201 -- a measurement to read
    assert 0 < rss < LARGEST_RSS


async def test_the_hang_is_told_as_no_active_bbs_and_logged_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(QUICK_LABELS, tmp_path, QUICK))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        running = await stack.enter_async_context(exporter(tmp_path, *flags))
        await running.until("/metrics", 'diego_bbs_diagnosis{diagnosis="serving",environment="cf"} 1.0')
        await cf.faults.hang()
        cf.make_older(3600, *(pod["metadata"]["name"] for pod in cf.pods()))
        text = await running.until("/metrics", 'diego_bbs_diagnosis{diagnosis="no_active_bbs",environment="cf"} 1.0')
        for _ in range(5):
            await running.scrape()
        log = running.process.log.read_text()
    assert number(text, 'bbs_reachable{environment="cf"}') == 0
    assert number(text, 'diego_api_ready{environment="cf"}') == 2
    assert number(text, 'active_bbs_count{environment="cf"}') == 0
    assert log.count("diagnosis=no_active_bbs") == 1


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("revoked", {"unauthorized"}),
        ("forbidden", {"forbidden"}),
        ("malformed", {"malformed"}),
        ("hanging", {"timeout"}),
    ],
)
async def test_an_api_that_can_not_be_read_takes_the_pod_series_away_and_leaves_the_probe(
    tmp_path: Path, fault: str, reasons: set[str]
) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(QUICK_LABELS, tmp_path, QUICK))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        running = await stack.enter_async_context(exporter(tmp_path, *flags))
        await running.until("/metrics", 'bbs_reachable{environment="cf"} 1.0')
        if fault == "revoked":
            cf.api_faults.token_revoked = True
        elif fault == "forbidden":
            cf.api_faults.answer("GET", "/pods", 403)
        elif fault == "malformed":
            cf.api_faults.garbage("GET", "/pods")
        else:
            cf.api_faults.hang("GET", "")
        text = await running.scrape(**{"X-Prometheus-Scrape-Timeout-Seconds": "5"})
        cf.api_faults.clear()
    assert number(text, 'bbs_reachable{environment="cf"}') == 1
    assert number(text, 'stagekeeper_kubernetes_up{environment="cf"}') == 0
    assert "diego_api_ready{" not in text
    assert "diego_api_pod_ready{" not in text
    assert any(
        number(text, f'stagekeeper_kubernetes_failures_total{{environment="cf",reason="{each}"}}') for each in reasons
    )


async def test_scrapes_leave_no_descriptor_behind(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(QUICK_LABELS, tmp_path, QUICK))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        running = await stack.enter_async_context(exporter(tmp_path, *flags))
        before = number(await running.scrape(), "process_open_fds")
        for _ in range(100):
            await running.scrape()
        assert number(await running.scrape(), "process_open_fds") == before


def local(folder: Path, name: str = "cf") -> Path:
    """A configuration whose Service is a closed port of this machine."""
    path = folder / "stagekeeper.yaml"
    path.write_text(f"environments: [{{name: {name}, service: {{host: 127.0.0.1, port: 1}}}}]\n")
    return path


async def test_it_starts_and_stays_up_while_the_api_server_is_down(tmp_path: Path) -> None:
    async with exporter(tmp_path, "--kubeconfig", down(tmp_path), "--config.file", local(tmp_path)) as running:
        text = await running.scrape()
        assert await running.get("/-/healthy") == (200, "Healthy.\n")
        assert number(text, 'stagekeeper_kubernetes_up{environment="cf"}') == 0
        assert number(text, 'bbs_reachable{environment="cf"}') == 0
        assert running.process.exit_code is None


async def test_sighup_takes_the_new_configuration_and_keeps_the_old_one_when_it_is_broken(tmp_path: Path) -> None:
    config = local(tmp_path)
    async with exporter(tmp_path, "--kubeconfig", down(tmp_path), "--config.file", config) as running:
        local(tmp_path, "renamed")
        os.kill(running.process.pid, signal.SIGHUP)
        await running.until("/metrics", 'environment="renamed"')
        config.write_text("environments: [{name: BAD}]\n")
        os.kill(running.process.pid, signal.SIGHUP)
        text = await running.until("/metrics", "stagekeeper_config_last_reload_successful 0.0")
        assert 'environment="renamed"' in text
        status, told = await running.get("/-/reload")
        assert (status, told) == (405, "405: Method Not Allowed")
        assert "environments[0].name: must be a Kubernetes name" in running.process.log.read_text()


async def test_reload_over_http_says_what_is_wrong_and_needs_the_flag(tmp_path: Path) -> None:
    config = local(tmp_path)
    flags = ("--kubeconfig", down(tmp_path), "--config.file", config, "--web.enable-lifecycle")
    async with exporter(tmp_path, *flags) as running:
        async with running.session.post(f"{running.url}/-/reload") as response:
            assert response.status == 200
        config.write_text("environments: []\n")
        async with running.session.post(f"{running.url}/-/reload") as response:
            assert response.status == 500
            assert "environments: must be a list" in await response.text()


async def test_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    async with exporter(tmp_path, "--kubeconfig", down(tmp_path), "--config.file", local(tmp_path)) as running:
        await asyncio.to_thread(running.process.stop)
        assert running.process.exit_code == 0
