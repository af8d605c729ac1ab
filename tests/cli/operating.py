"""What the tests of the operator's commands stand on: a simulated environment, and the commands as a person types them.

The environment lives in the test's own loop, so a command runs in a thread, as a process of its own would.
"""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from remediator import record
from remediator.remediation import Phase, Reason
from simulator.environment import Environment, simulated_environment
from simulator.layouts import LAYOUTS
from simulator.resources import RESOURCES, by_path
from stagekeeper.cli.commands import stagekeeper
from tests.contract.cluster import remediation
from tests.testbed.patience import HANG_GUARD
from tests.testbed.taking_up import taking_up

REVIEW = "selfsubjectreviews"
_BY_PATH = by_path(RESOURCES)
CONFIG_MAPS, EVENTS = _BY_PATH["", "v1", "configmaps"], _BY_PATH["events.k8s.io", "v1", "events"]
REMEDIATIONS = _BY_PATH["stagekeeper.dev", "v1alpha1", "remediations"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator's desk: the environment, and the configuration file that names it."""

    env: Environment
    config: Path

    async def types(self, *arguments: str) -> Ended:
        """Run `stagekeeper ARGUMENTS` with this environment's files."""
        command, *rest = arguments
        given = (command, "--config.file", str(self.config), "--kubeconfig", str(self.env.kubeconfig), *rest)
        async with asyncio.timeout(HANG_GUARD):
            ended = await asyncio.to_thread(CliRunner().invoke, stagekeeper, given)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    def known_as(self, name: str) -> None:
        """Let the API server tell who the operator is."""
        body = {"status": {"userInfo": {"username": name}}}
        self.env.api_faults.answer("POST", REVIEW, 201, body=body)

    def pause(self) -> Mapping[str, str] | None:
        """The data of the pause's ConfigMap; None if there is none."""
        found = [each["data"] for each in self.env.store.select(CONFIG_MAPS, self.env.namespace)]
        return found[0] if found else None

    def events(self) -> list[tuple[str, str]]:
        """Reason and message of each Event, oldest first; their names are random."""
        events = self.env.store.select(EVENTS, self.env.namespace)
        events.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [(each["reason"], each["note"]) for each in events]

    def records(self) -> list[dict[str, Any]]:
        """The Remediation objects."""
        return self.env.store.select(REMEDIATIONS, self.env.namespace)

    def escalated(self) -> None:
        """Put an escalated record there."""
        self.env.store.create(REMEDIATIONS, self.env.namespace, remediation("diego-api-r1"))
        status = {"phase": "Escalated", "reason": "RestartIsNoCure", "message": "A person is needed."}
        self.env.store.replace(
            REMEDIATIONS, self.env.namespace, "diego-api-r1", {**self.records()[0], "status": status}, status=True
        )

    def watching(self) -> None:
        """Put an open record there."""
        self.env.store.create(REMEDIATIONS, self.env.namespace, remediation("diego-api-r1"))

    def move(self, phase: Phase, reason: Reason, message: str) -> None:
        """Do to the newest record what a remediator would."""
        found = record.load(self.records()[-1]).moved(phase, reason, message, self.env.clock.now())
        self.env.store.replace(REMEDIATIONS, self.env.namespace, found.name, record.store(found), status=True)

    def terminal(self, *arguments: str, **variables: str) -> str:
        """What `stagekeeper ARGUMENTS` writes to a terminal, with this environment's files. Blocks until it ends."""
        command, *rest = arguments
        given = [command, "--config.file", str(self.config), "--kubeconfig", str(self.env.kubeconfig), *rest]
        return on_a_terminal([sys.executable, "-m", "stagekeeper", *given], **variables)


def on_a_terminal(command: Sequence[str], **variables: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**kept, "TERM": "xterm", **variables})
    os.close(theirs)
    written = b""
    with suppress(OSError):  # how the end of a terminal reads on Linux
        while piece := os.read(ours, 4096):
            written += piece
    os.close(ours)
    process.wait(HANG_GUARD)
    return written.decode()


@asynccontextmanager
async def desk(folder: Path, *, remediator: bool = True) -> AsyncIterator[Desk]:
    """An operator's desk in front of an environment that serves, with a remediator that takes up what people ask."""
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(simulated_environment(LAYOUTS["cfee-2"], folder))
        config = folder / "stagekeeper.yaml"
        entry = {**env.entry("cf"), "timeouts": {"probe": 10, "api": 20}}  # longer than a busy machine takes
        config.write_text(yaml.safe_dump({"environments": [entry]}), encoding="utf-8")
        if remediator:
            await stack.enter_async_context(taking_up(env.kubeconfig, config))
        yield Desk(env, config)
