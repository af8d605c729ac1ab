"""What is measured: simulated environments, and processes that are started on free ports and ended with the run."""

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.actors import ActorOptions
from simulator.demo.command import TIMINGS
from simulator.demo.programs import free_ports
from simulator.environment import Environment, Options, simulated_environment
from simulator.layouts import CFEE_2, Layout

HANG_GUARD = 60.0
"""Seconds; only a broken run waits so long."""
TOKEN = "the-benchmark's-webhook-token"  # noqa: S105 -- it guards nothing
MILLI = 1000.0
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers over HTTP."""

    url: str
    process: asyncio.subprocess.Process

    def cost(self) -> float:
        """CPU seconds that it has used, without its children."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Its resident memory in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))

    async def stop(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        await self.process.wait()


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement has: a folder, a session without a limit of connections, and who ends what was begun."""

    folder: Path
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    quick: bool

    @property
    def rounds(self) -> int:
        """How often everything is measured."""
        return 2 if self.quick else 7

    async def environment(self, name: str, layout: Layout = CFEE_2) -> Environment:
        """A simulated Cloud Foundry that serves, with the demo's short waits."""
        options = Options(actors=ActorOptions(timings=TIMINGS, label_interval=0.3), rsa=True)
        return await self.stack.enter_async_context(simulated_environment(layout, self.folder / name, options))

    async def start(
        self, name: str, command: Callable[[int], Sequence[object]], ready: str, env: Mapping[str, str] | None = None
    ) -> Running:
        """Start the command for a free port, and wait until the path `ready` answers with less than 400."""
        [port] = free_ports(1)
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            argv = map(str, command(port))
            process = await asyncio.create_subprocess_exec(*argv, stdout=output, stderr=output, env=env)
        running = Running(f"http://127.0.0.1:{port}", process)
        self.stack.push_async_callback(running.stop)
        async with asyncio.timeout(HANG_GUARD):
            while True:
                with suppress(aiohttp.ClientError):
                    async with self.session.get(running.url + ready) as answer:
                        if answer.ok:
                            return running
                if process.returncode is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
                await asyncio.sleep(0.02)

    async def program(self, module: str, config: Path, kubeconfig: Path, name: str = "") -> Running:
        """`exporter` or `remediator`, ready."""
        argv = [sys.executable, "-m", module, "--config.file", config, "--kubeconfig", kubeconfig]
        return await self.start(
            name or module, lambda port: [*argv, f"--web.listen-address=127.0.0.1:{port}"], "/-/ready"
        )

    def remediator_file(self, name: str, environments: list[Object], **more: Any) -> Path:
        """A remediator's configuration: it observes unless `more` says otherwise, and keeps quiet between webhooks."""
        token = self.folder / "webhook-token"
        token.write_text(TOKEN)
        webhook = {"token_file": str(token), "largest_body": 64 * 2**20}
        rhythm = {"open": 20, "list": 3600, "observe": 20, "resync": 3600}
        remediator = {"mode": "observe", "webhook": webhook, "rhythm": rhythm, **more}
        return write(self.folder / name, {"environments": environments, "remediator": remediator})

    async def fetch(self, url: str, **headers: str) -> str:
        """The text behind a URL. aiohttp.ClientError for a status of 400 and more."""
        async with self.session.get(url, headers=headers, raise_for_status=True) as answer:
            return await answer.text()

    async def alert(self, remediator: Running, body: bytes, token: str = TOKEN) -> Object:
        """Send a notification to the webhook; what it answers."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{remediator.url}/api/v1/alerts"
        async with self.session.post(url, data=body, headers=headers, raise_for_status=True) as answer:
            return cast("Object", await answer.json())


def entry(environment: Environment, *, tls: bool = True) -> Object:
    """A simulated environment as an entry of the configuration file."""
    whole = environment.entry("cf")
    return whole if tls else {key: whole[key] for key in whole if key != "tls"}


def notification(*environments: str) -> bytes:
    """The body that Alertmanager sends for one firing alert of each environment."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "StagerUnavailable", "environment": each, "severity": "critical"},
            "startsAt": "2100-01-01T00:00:00.000Z",  # news, whatever ended before
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": f"{number:016x}",
        }
        for number, each in enumerate(environments)
    ]
    head = {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "stagekeeper"}
    return json.dumps({**head, "alerts": alerts}).encode()


@asynccontextmanager
async def active_alertmanager() -> AsyncIterator[str]:
    """An Alertmanager in which every alert that is asked for is active."""

    async def alerts(request: web.Request) -> web.Response:
        wanted = dict(each.replace('"', "").split("=", 1) for each in request.query.getall("filter", []))
        status = {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
        alert = {"labels": wanted, "status": status, "startsAt": "2026-11-23T12:00:00Z", "fingerprint": "1"}
        return web.json_response([{"labels": {}, "receiver": {"name": "stagekeeper"}, "alerts": [alert]}])

    app = web.Application()
    app.router.add_get("/api/v2/alerts/groups", alerts)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


def bare_session(environment: Environment) -> aiohttp.ClientSession:
    """What asks the simulated API without anything of ours, over connections that are kept."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=environment.ca_file), limit=0)
    return aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {environment.token}"})


async def read(session: aiohttp.ClientSession, urls: Iterable[str], at_once: int = 32) -> None:
    """Ask for all these, so many at once, and parse the JSON that comes."""
    turns = asyncio.Semaphore(at_once)

    async def one(url: str) -> None:
        async with turns, session.get(url, raise_for_status=True) as answer:
            await answer.json()

    await asyncio.gather(*map(one, urls))


async def timed(once: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that it took."""
    began = time.perf_counter()
    await once()
    return (time.perf_counter() - began) * MILLI


def write(path: Path, document: Object) -> Path:
    """Write a configuration file; JSON is YAML."""
    path.write_text(json.dumps(document, indent=1))
    return path
