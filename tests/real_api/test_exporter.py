"""Unknown is absent, on a real API server: stopped, frozen, and one that no longer knows or allows the exporter.

In each case the pod series vanish, a gauge and a reason say why, the probe of the Service goes on, the scrape is
answered within its deadline, and one look after the API is back everything is right again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.diego.listeners import PONG, answering, certificates, listening
from tests.exporter.programs import Exporter, exporter, number
from tests.real_api.stage import Stage, address, stage
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.real
DEADLINE = 5.0
"""Seconds that the scraper gives."""
UP = 'stagekeeper_kubernetes_up{environment="cf"}'
READ_FROM_THE_API = ("diego_api_ready", "diego_api_desired", "active_bbs_count", "diego_api_pod_")


@dataclass(frozen=True, slots=True)
class Scene:
    """An exporter that looks at a stage."""

    stage: Stage
    exporter: Exporter

    async def scrape(self) -> str:
        """One scrape, which must be answered in time."""
        return await self.exporter.scrape(**{"X-Prometheus-Scrape-Timeout-Seconds": str(DEADLINE)})

    async def until(self, condition: Callable[[str], bool]) -> str:
        """Scrape until the answer is like this."""
        async with asyncio.timeout(HANG_GUARD):
            while not condition(text := await self.scrape()):  # noqa: ASYNC110 -- an exporter is polled
                await asyncio.sleep(0.1)
        return text

    async def until_refused(self) -> None:
        """Scrape until the API refuses something.

        It may have answered other requests of that same observation before.
        """
        await self.until(lambda text: number(text, UP) == 0)


@asynccontextmanager
async def scene(plane: ControlPlane, folder: Path, **more: Any) -> AsyncIterator[Scene]:
    """Pod 0 serves, pod 1 refuses, the exporter sees it."""
    certs = certificates(folder)
    opening = stage(plane)
    made = await asyncio.to_thread(opening.__enter__)
    try:
        async with listening(answering(PONG), certs.server(), address(0)) as port:
            access = await asyncio.to_thread(made.kubeconfig, folder / "kubeconfig")
            flags = ("--config.file", made.configuration(folder / "config.yaml", port, certs.client, **more))
            async with exporter(folder, *flags, "--kubeconfig", access) as running:
                found = Scene(made, running)
                assert_whole(await found.scrape())
                yield found
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


def _wait_until_ready(plane: ControlPlane) -> None:
    plane.apiserver.wait_until(lambda: plane.api.exists("/readyz"), "its readiness", HANG_GUARD)


def assert_whole(text: str) -> None:
    """Everything is known, and right."""
    assert number(text, UP) == 1
    assert number(text, 'diego_bbs_diagnosis{diagnosis="serving",environment="cf"}') == 1
    assert number(text, 'diego_api_ready{environment="cf"}') == 2
    assert number(text, 'active_bbs_count{environment="cf"}') == 1
    assert number(text, 'diego_api_pod_serving{environment="cf",pod="diego-api-1"}') == 0
    assert number(text, 'bbs_reachable{environment="cf"}') == 1


def assert_blind(text: str, reason: str) -> None:
    """What the API knows is absent, and why; what was probed is there."""
    assert number(text, UP) == 0
    assert (number(text, f'stagekeeper_kubernetes_failures_total{{environment="cf",reason="{reason}"}}') or 0) > 0
    assert [line for line in text.splitlines() if line.startswith(READ_FROM_THE_API)] == []
    assert number(text, 'bbs_reachable{environment="cf"}') == 1
    assert number(text, 'bbs_probe_duration_seconds{environment="cf",phase="request"}') is not None
    assert number(text, 'diego_bbs_diagnosis{diagnosis="observer_fault",environment="cf"}') == 1


async def test_an_api_server_that_is_stopped(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with scene(control_plane, tmp_path) as seen:
        await asyncio.to_thread(control_plane.apiserver.kill)
        try:
            assert_blind(await seen.scrape(), "unreachable")
        finally:
            await asyncio.to_thread(control_plane.restart_apiserver)
        assert_whole(await seen.scrape())


async def test_an_api_server_that_is_frozen(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with scene(control_plane, tmp_path) as seen:
        control_plane.apiserver.freeze()
        try:
            for _ in range(2):
                assert_blind(await seen.scrape(), "timeout")
        finally:
            control_plane.apiserver.thaw()
        await asyncio.to_thread(_wait_until_ready, control_plane)
        assert_whole(await seen.scrape())


async def test_a_token_that_is_revoked(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with scene(control_plane, tmp_path) as seen:
        await asyncio.to_thread(seen.stage.revoke)
        # The API server goes on trusting a token that it has seen for up to 10 s.
        await seen.until_refused()
        assert_blind(await seen.scrape(), "unauthorized")


async def test_a_right_that_is_taken_away_and_given_back(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with scene(control_plane, tmp_path) as seen:
        await asyncio.to_thread(seen.stage.forbid)
        await seen.until_refused()
        assert_blind(await seen.scrape(), "forbidden")
        await asyncio.to_thread(seen.stage.allow)
        assert_whole(await seen.until(lambda text: number(text, UP) == 1))


async def test_auto_picks_by_what_a_real_api_shows_and_goes_on_probing_while_it_is_frozen(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with scene(control_plane, tmp_path, profile="auto") as seen:
        _, page = await seen.exporter.get("/")
        assert "cf (profile cfee-2, by the label skiff-role-name=diego-api that diego-api gives its pods)" in page
        control_plane.apiserver.freeze()
        try:
            assert_blind(await seen.scrape(), "timeout")
        finally:
            control_plane.apiserver.thaw()
