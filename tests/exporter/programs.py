"""The exporter as a process of its own, asked over HTTP."""

import asyncio
import re
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from simulator.actors import ActorOptions
from simulator.diego import Timings
from simulator.environment import Environment, Options
from tests.kube.api_server import kubeconfig
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

USER = "prometheus"
QUICK = Options(ActorOptions(timings=Timings(lock_ttl=3.0, lock_retry=0.1)))
"""A BBS that takes over soon, but keeps its lock while a busy event loop stands still for a moment."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter."""

    url: str
    process: Process
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of an answer."""
        async with asyncio.timeout(HANG_GUARD), self.session.get(self.url + path, headers=headers) as response:
            return response.status, await response.text()

    async def scrape(self, **headers: str) -> str:
        """The text of `/metrics`."""
        status, text = await self.get("/metrics", **headers)
        assert status == 200
        return text

    async def until(self, path: str, wanted: str) -> str:
        """Poll `path` until its text has `wanted`, and return it."""
        async with asyncio.timeout(HANG_GUARD):
            while True:
                assert self.process.exit_code is None, self.process.tail()
                with suppress(aiohttp.ClientConnectionError):
                    _, text = await self.get(path)
                    if wanted in text:
                        return text
                await asyncio.sleep(0.05)


def authorization(password: str | None) -> dict[str, str]:
    """The header that `USER` sends; none without a password."""
    return {"Authorization": aiohttp.encode_basic_auth(USER, password)} if password else {}


@asynccontextmanager
async def exporter(
    folder: Path, *flags: str | Path, tls: ssl.SSLContext | None = None, password: str | None = None
) -> AsyncIterator[Exporter]:
    """An exporter that has had its first observation; asked over HTTPS, and as `USER`, where that is given."""
    address = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "exporter", f"--web.listen-address={address}", *flags]
    process = Process("exporter", argv, folder / "exporter.log")
    try:
        connector = aiohttp.TCPConnector(ssl=tls or True)
        async with aiohttp.ClientSession(connector=connector, headers=authorization(password)) as session:
            running = Exporter(f"{'https' if tls else 'http'}://{address}", process, session)
            await running.until("/-/ready", "Ready.")
            yield running
    finally:
        await asyncio.to_thread(process.stop)


def configuration(folder: Path, environment: Environment, **more: Any) -> Path:
    """A configuration file for a simulated environment, probed with mutual TLS."""
    entry = {**environment.entry("cf"), "cloud_controller": {"address": environment.cloud_controller_address}}
    path = folder / "stagekeeper.yaml"
    path.write_text(yaml.safe_dump({"environments": [{**entry, **more}]}), encoding="utf-8")
    return path


def number(text: str, series: str) -> float | None:
    """The value of one series in the text format; None if it is not there."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def down(folder: Path) -> Path:
    """A kubeconfig of an API server that is not there."""
    return kubeconfig(folder / "kubeconfig.yaml", "http://127.0.0.1:1")
