"""The short form of the soak; `make soak` runs the long one."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from simulator.environment import simulated_environment
from simulator.layouts import CFEE_2
from tests.exporter.programs import configuration, number
from tests.soak.soak import QUICK, Program, program, right, soak, stage
from tests.testbed.patience import until

SCRAPES, WEBHOOKS = 1_200, 240


@pytest.mark.timeout(600)
async def test_whatever_breaks_nothing_wrong_is_said_nothing_leaks_and_no_accepted_alert_is_lost(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as on:
        await soak(on, SCRAPES, WEBHOOKS)
    assert on.scrapes >= SCRAPES
    assert on.accepted
    assert on.answers[503], "no fault has reached the webhook"


@pytest.mark.parametrize(
    "prefix", ["exec 2>/dev/full;", "exec 2>&-;", "ulimit -n 64;"], ids=["disk full", "stderr closed", "64 descriptors"]
)
async def test_an_exporter_that_lacks_something_tells_the_truth_once_it_is_there(tmp_path: Path, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(CFEE_2, tmp_path, QUICK))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        flags: list[str | Path] = ["--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig]
        exporter = await stack.enter_async_context(program(tmp_path, "exporter", flags, prefix))
        before = exporter.descriptors()
        await _many_idle_connections(exporter)
        await until(lambda: _is_right(session, exporter), "a right answer")
        await until(lambda: _at_most(exporter, before + 2), f"{before} descriptors as before")


async def _many_idle_connections(exporter: Program) -> None:
    """More than 64 descriptors, held for a moment."""
    host, _, port = exporter.url.removeprefix("http://").rpartition(":")
    opened = []
    for _ in range(80):
        _, writer = await asyncio.open_connection(host, int(port))
        opened.append(writer)
    await asyncio.sleep(0)
    for writer in opened:
        writer.close()
        await writer.wait_closed()


async def _is_right(session: aiohttp.ClientSession, exporter: Program) -> bool:
    try:
        async with session.get(f"{exporter.url}/metrics", timeout=aiohttp.ClientTimeout(total=20)) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return False
    assert number(text, 'bbs_reachable{environment="cf"}') in (None, 1)
    return right(text)


async def _at_most(exporter: Program, descriptors: int) -> bool:
    return exporter.descriptors() <= descriptors
