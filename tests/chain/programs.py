"""The programs of the loop as processes. Each has its log in its folder, and ends with the block that started it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.chain.cloud_foundry import until
from tests.chain.configuration import ALERTMANAGER, PROMETHEUS
from tests.testbed.binaries import find_program
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, ProcessError


@contextlib.asynccontextmanager
async def running(
    name: str, argv: list[str | Path], log: Path, address: str, ready: str = "/-/ready"
) -> AsyncIterator[Process]:
    """One program, once it answers 200 at `http://ADDRESS/READY`."""
    process = Process(name, argv, log)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

            async def is_ready() -> bool:
                if process.exit_code is not None:
                    raise ProcessError(f"{name} ended with {process.exit_code} at its start\n{process.tail()}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"http://{address}{ready}") as answer:
                        return answer.status == 200
                return False

            await until(is_ready, f"{name}'s readiness", HANG_GUARD)
        yield process
    finally:
        await asyncio.to_thread(process.stop)


def ours(module: str, config: Path, kubeconfig: Path, address: str) -> list[str | Path]:
    """The command of one of our two programs."""
    flags: list[str | Path] = ["--config.file", config, "--kubeconfig", kubeconfig, "--web.listen-address", address]
    return [sys.executable, "-m", module, *flags, "--log.format", "json", "--log.level", "debug"]


def alertmanager(folder: Path) -> list[str | Path]:
    """Alertmanager's command; its configuration is `folder`/alertmanager.yaml."""
    return [
        find_program("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={ALERTMANAGER}",
        "--cluster.listen-address=",
    ]


def prometheus(folder: Path) -> list[str | Path]:
    """Prometheus' command; its configuration is `folder`/prometheus.yaml."""
    return [
        find_program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={PROMETHEUS}",
    ]


async def asked(url: str, **query: str) -> Any:
    """The JSON that a GET gives; fails on any other status than 200."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json() if answer.content_type == "application/json" else await answer.text()


async def value(query: str) -> float | None:
    """The value of a PromQL query with one result at most; None without one."""
    result = (await asked(f"http://{PROMETHEUS}/api/v1/query", query=query))["data"]["result"]
    assert len(result) <= 1, result
    return float(result[0]["value"][1]) if result else None
