"""The processes that are measured: started on free ports, awaited, ended with the stack that they are put on."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from bench import machine
from scripts import programs
from simulator.bbs import BBS_PORT
from simulator.certificates import Certificates
from simulator.listener import accepts
from tests.testbed.process import Process, free_port

HANG_GUARD = 60.0
"""Seconds; only a broken run waits so long."""
TOKEN = "the-benchmark's-webhook-token"  # noqa: S105 -- it guards nothing


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers over HTTP."""

    url: str
    process: Process

    def cost(self) -> float:
        """CPU seconds that it has used."""
        return machine.cpu_seconds(self.process.pid)

    def memory(self) -> float:
        """Its resident memory in MiB."""
        return machine.rss_mib(self.process.pid)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement has: a folder, a session without a limit of connections, and who ends what was begun."""

    folder: Path
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    quick: bool

    def path(self, name: str) -> Path:
        """A file of this run."""
        return self.folder / name

    async def start(
        self, name: str, argv: Sequence[str | Path], url: str, ready: str, env: Mapping[str, str] | None = None
    ) -> Running:
        """Start a process and wait until `ready` below `url` answers with less than 400."""
        process = Process(name, argv, self.path(f"{name}.log"), env)
        self.stack.push_async_callback(asyncio.to_thread, process.stop)
        async with asyncio.timeout(HANG_GUARD):
            while not await self._answers(process, url + ready):  # noqa: ASYNC110 -- a port tells nobody
                await asyncio.sleep(0.02)
        return Running(url, process)

    async def _answers(self, process: Process, url: str) -> bool:
        if process.exit_code is not None:
            raise RuntimeError(f"{process.name} ended with {process.exit_code}:\n{process.tail()}")
        try:
            async with self.session.get(url) as answer:
                return answer.status < 400  # noqa: PLR2004 -- HTTP's errors begin there
        except aiohttp.ClientError:
            return False

    async def program(self, name: str, module: str, config: Path, kubeconfig: Path) -> Running:
        """`exporter` or `remediator`, ready."""
        address = f"127.0.0.1:{free_port()}"
        flags: list[str | Path] = ["--config.file", config, "--kubeconfig", kubeconfig]
        argv = [sys.executable, "-m", module, f"--web.listen-address={address}", *flags]
        return await self.start(name, argv, f"http://{address}", "/-/ready")

    async def blackbox(self, certificates: Certificates, server_name: str) -> Running:
        """Debian's blackbox_exporter with the modules `tcp` and `ping`."""
        config = self.path("blackbox.yaml")
        config.write_text(yaml.safe_dump({"modules": _modules(certificates, server_name)}))
        address = f"127.0.0.1:{free_port()}"
        argv: list[str | Path] = [
            program("prometheus-blackbox-exporter"),
            f"--config.file={config}",
            f"--web.listen-address={address}",
        ]
        return await self.start("blackbox", argv, f"http://{address}", "/-/healthy")

    async def bbs(self, certificates: Certificates, *addresses: str, mode: str = "serving") -> Process:
        """A BBS that listens on these addresses."""
        folder = certificates.server.ca.parent
        options = ["--certificates", str(folder), "--mode", mode, *addresses]
        argv = [sys.executable, "-m", "bench.bbs", *options]
        process = Process("bbs", argv, self.path("bbs.log"))
        self.stack.push_async_callback(asyncio.to_thread, process.stop)
        async with asyncio.timeout(HANG_GUARD):
            for address in addresses:
                while not await accepts(address, BBS_PORT):  # noqa: ASYNC110 -- a port tells nobody
                    await asyncio.sleep(0.02)
        return process


def program(name: str) -> Path:
    """Where a program of scripts/programs.py is. FileNotFoundError says how to get it."""
    wanted = next(each for each in programs.PROGRAMS if each.name == name)
    found = programs.find(wanted)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: run `python -m scripts.programs bench`")
    return found


def _modules(certificates: Certificates, server_name: str) -> dict[str, object]:
    tls = {
        "ca_file": str(certificates.server.ca),
        "cert_file": str(certificates.client_certificate),
        "key_file": str(certificates.client_key),
        "server_name": server_name,
    }
    ping = {"method": "POST", "preferred_ip_protocol": "ip4", "tls_config": tls}
    return {
        "tcp": {"prober": "tcp", "timeout": "3s", "tcp": {"preferred_ip_protocol": "ip4"}},
        "ping": {"prober": "http", "timeout": "3s", "http": ping},
    }
