"""Alertmanager and remediators as processes: each logs into its folder, and ends with the block that starts it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.testbed.binaries import find_program
from tests.testbed.patience import HANG_GUARD, until
from tests.testbed.process import Process, ProcessError

ALERTMANAGER = "127.0.0.1:9093"


@contextlib.asynccontextmanager
async def running(name: str, argv: list[str | Path], log: Path, address: str) -> AsyncIterator[Process]:
    """One program, once it is ready at `http://ADDRESS`."""
    process = Process(name, argv, log)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

            async def is_ready() -> bool:
                if process.exit_code is not None:
                    raise ProcessError(f"{name} ended with {process.exit_code} at its start\n{process.tail()}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"http://{address}/-/ready") as answer:
                        return answer.status == 200
                return False

            await until(is_ready, f"{name}'s readiness", HANG_GUARD)
        yield process
    finally:
        await asyncio.to_thread(process.stop)


def remediator(config: Path, kubeconfig: Path, address: str) -> list[str | Path]:
    """The command of a remediator."""
    flags: list[str | Path] = ["--config.file", config, "--kubeconfig", kubeconfig, "--web.listen-address", address]
    return [sys.executable, "-m", "remediator", *flags, "--log.format", "json", "--log.level", "debug"]


def alertmanager(folder: Path) -> list[str | Path]:
    """Alertmanager's command; its configuration is `folder`/alertmanager.yaml."""
    return [
        find_program("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={ALERTMANAGER}",
        "--cluster.listen-address=",
    ]
