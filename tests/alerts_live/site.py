"""One environment with its own exporter and remediator: what a cause befalls."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import trustme

from simulator.actors import ActorOptions
from simulator.api_client import pods_path
from simulator.diego import Timings
from simulator.environment import Environment, Options, simulated_environment
from simulator.layouts import CFEE_2
from tests.alerts_live.forwarder import Forwarder
from tests.testbed.process import Process, free_port

ACTORS = ActorOptions(
    timings=Timings(lock_ttl=4.0, lock_retry=0.4, hang_exit=3.0, clean_exit=0.2),
    label_interval=0.5,
    endpoints_interval=0.5,
)
"""Quicker than the real ones, and slow enough for several environments in one event loop."""
LOOPBACK = "127.0.0.1"
EXPORTER, REMEDIATOR = "exporter", "remediator"
Way = Literal["service", "forwarded", "past the Service"]
"""How the BBS is reached: at its Service; there by way of the forwarder; at the active pod by way of the forwarder."""


@dataclass(slots=True)
class Site:
    """The simulated environment `name`, the two programs that look after it, and the ways to trouble all of them."""

    name: str
    environment: Environment
    way: Way
    forwarder: Forwarder
    folder: Path
    alertmanagers: tuple[str, ...]
    token: str = field(default_factory=secrets.token_urlsafe)
    ports: Mapping[str, int] = field(default_factory=lambda: {name: free_port() for name in (EXPORTER, REMEDIATOR)})
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def configuration(self) -> Path:
        """The file of both programs."""
        return self.folder / "stagekeeper.yaml"

    @property
    def token_file(self) -> Path:
        """What Alertmanager has to show to the remediator."""
        return self.folder / "webhook-token"

    def url(self, program: str) -> str:
        """Where a program serves."""
        return f"http://{LOOPBACK}:{self.ports[program]}"

    def configure(self, mode: str = "act", **overrides: object) -> None:
        """Write the configuration; `overrides` are of the environment."""
        self.token_file.write_text(self.token, encoding="utf-8")
        document = {"environments": [self._environment() | overrides], "remediator": self._remediator(mode)}
        self.configuration.write_text(json.dumps(document), encoding="utf-8")

    async def start(self, *programs: str) -> None:
        """Start programs that do not run."""
        for name in programs:
            access: list[str | Path] = [
                "--config.file",
                self.configuration,
                "--kubeconfig",
                self.environment.kubeconfig,
            ]
            listen = ["--web.listen-address", f"{LOOPBACK}:{self.ports[name]}"]
            command = [sys.executable, "-m", name, *access, *listen]
            self.processes[name] = Process(f"{name} of {self.name}", command, self.folder / f"{name}.log")
        await asyncio.sleep(0)

    async def stop(self, *programs: str) -> None:
        """End programs, while the simulator goes on."""
        await asyncio.gather(*(asyncio.to_thread(self.processes[name].stop) for name in programs))

    async def reload(self, program: str) -> None:
        """SIGHUP: read the configuration again."""
        os.kill(self.processes[program].pid, signal.SIGHUP)
        await asyncio.sleep(0)

    async def stagekeeper(self, subcommand: str, *arguments: str) -> None:
        """Run the command `stagekeeper`, as a person would."""
        access = ["--config.file", str(self.configuration), "--kubeconfig", str(self.environment.kubeconfig)]
        command = [sys.executable, "-m", "stagekeeper", subcommand, *access, *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    def renew_certificates(self) -> None:
        """Put the right certificates in place."""
        right = self.environment.certificates
        for name, source in (("ca", right.server.ca), ("client", right.client_certificate)):
            self._put_certificates(name, source.read_bytes())

    def add_certificate(self, name: str, lasts: timedelta) -> None:
        """Put one more certificate into the file `ca` or `client`, which ends so soon."""
        more = trustme.CA().issue_cert("added", not_after=datetime.now(UTC) + lasts).cert_chain_pems[0].bytes()
        self._put_certificates(name, (self.folder / f"{name}.pem").read_bytes() + more)

    def _put_certificates(self, name: str, content: bytes) -> None:
        new = self.folder / f"{name}.new"
        new.write_bytes(content)
        new.replace(self.folder / f"{name}.pem")

    async def delete_bbs_pods(self) -> None:
        """What a person does in the tutorial's step 5."""
        for pod in self.environment.pods():
            metadata = pod["metadata"]
            path = pods_path(metadata["namespace"], metadata["name"])
            await self.environment.actors.place.api.send("DELETE", path)

    def passive_pod(self) -> str:
        """The name of a pod that does not hold the lock."""
        active = self.environment.actors.diego.owner
        names = (str(pod["metadata"]["name"]) for pod in self.environment.pods())
        return next(name for name in names if name != active)

    def _service_host(self) -> str:
        simulated = self.environment
        return simulated.service_host if self.way == "service" else _forwarder_host(simulated)

    def _environment(self) -> dict[str, Any]:
        simulated = self.environment
        entry = simulated.entry(self.name)
        return {
            **entry,
            "service": {"host": self._service_host(), "port": simulated.bbs_port},
            "tls": entry["tls"]
            | {"ca_file": str(self.folder / "ca.pem"), "cert_file": str(self.folder / "client.pem")},
            "cloud_controller": {"address": simulated.cloud_controller_address},
            "timeouts": {"probe": 1.7, "api": 2},
            "patience": {"starting": 4, "pending": 4, "restarted_twice": 4},
        }

    def _remediator(self, mode: str) -> dict[str, Any]:
        return {
            "mode": mode,
            "webhook": {"token_file": str(self.token_file)},
            "receiver": f"stagekeeper-{self.name}",
            "alertmanagers": [{"url": url, "timeout": 2} for url in self.alertmanagers],
            "rhythm": {"open": 0.6, "list": 1, "observe": 1, "resync": 3, "observation_timeout": 4},
            "policy": {
                "confirm_for": 3,
                "confirm_observations": 4,
                "never_for": 3,
                "verify_for": 20,
                "hold_off": 2,
                "cooldown": 2,
                "overdue_after": 8,
            },
        }


@contextlib.asynccontextmanager
async def running_site(name: str, folder: Path, alertmanagers: tuple[str, ...], way: Way) -> AsyncIterator[Site]:
    """A site with both programs, until the block ends."""
    folder.mkdir()  # noqa: ASYNC240 - one folder, before anything runs
    async with contextlib.AsyncExitStack() as exits:
        environment = await exits.enter_async_context(
            simulated_environment(CFEE_2, folder / "simulator", Options(actors=ACTORS))
        )

        def target() -> str:
            active = environment.actors.kubelet.actors.get(environment.actors.diego.owner or "")
            return active.ip if active and way == "past the Service" else environment.service_host

        forwarder = Forwarder(_forwarder_host(environment), environment.bbs_port, target)
        await forwarder.open()
        exits.push_async_callback(forwarder.close)
        site = Site(name, environment, way, forwarder, folder, alertmanagers)
        exits.push_async_callback(site.stop, EXPORTER, REMEDIATOR)
        site.renew_certificates()
        site.configure()
        await site.start(EXPORTER, REMEDIATOR)
        yield site


def _forwarder_host(environment: Environment) -> str:
    """An address of the environment's network that nobody else has."""
    return f"{environment.network.prefix}.9"
