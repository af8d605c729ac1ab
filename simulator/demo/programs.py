"""The programs of the demo as processes: started, followed, and ended again, whatever happens."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from simulator.demo.configuration import Files, Ports

STOP_TIMEOUT = 10.0
_LAST_LINES = 5
Heard = Callable[[str, str], None]
"""Called with who said it and the sentence."""


class DemoError(click.ClickException):
    """The demo cannot go on; the message says why, in a sentence for whoever watches."""


class MissingProgram(DemoError):
    """A program that the demo needs is not installed; the message says how to get it."""


class ProgramEnded(DemoError):
    """A program of the demo has ended; the message has the last lines that it wrote."""


@dataclass(frozen=True, slots=True)
class Started:
    """One running program and where its output goes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def check(self) -> None:
        """Raise `ProgramEnded` if it has ended."""
        if self.process.returncode is not None:
            last = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
            said = "".join(f"\n    {line}" for line in last) or " nothing"
            raise ProgramEnded(
                f"{self.name} ended with exit code {self.process.returncode} and the demo with it. It wrote last:{said}"
            )


def find(*names: str) -> str:
    """The first of these programs that is on PATH. Raises `MissingProgram`."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise MissingProgram(
        f"{names[0]} is not on PATH. `make demo` fetches it; or install Debian's packages prometheus and "
        "prometheus-alertmanager, or put your own on PATH."
    )


REASON = "the log of the BBS ends at migration-manager.starting"
"""What the person of the demo has found out."""


async def approve(files: Files, kubeconfig: Path, diagnosis: str) -> None:
    """`stagekeeper restart` in a person's name, accepting a diagnosis. Raises `DemoError` if it is refused."""
    command = [sys.executable, "-m", "stagekeeper", "restart", "--config.file", str(files.stagekeeper)]
    flags = ["--kubeconfig", str(kubeconfig), "--as-person", "alice", "--reason", REASON, "--accept", diagnosis]
    process = await asyncio.create_subprocess_exec(
        *command, *flags, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise DemoError(f"The person's request was refused: {said.decode(errors='replace').strip()}")


@contextlib.asynccontextmanager
async def running(files: Files, ports: Ports, kubeconfig: Path, heard: Heard) -> AsyncIterator[list[Started]]:
    """Exporter, remediator, Alertmanager and Prometheus, until the block ends; then all of them are ended."""
    folder = files.folder
    ours = ["--config.file", str(files.stagekeeper), "--kubeconfig", str(kubeconfig), "--log.format", "json"]
    python = [sys.executable, "-m"]
    commands: dict[str, Sequence[str]] = {
        "alertmanager": [
            find("alertmanager", "prometheus-alertmanager"),
            f"--config.file={files.alertmanager}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            "--cluster.listen-address=",
        ],
        "exporter": [*python, "exporter", *ours, "--web.listen-address", f"127.0.0.1:{ports.exporter}"],
        "remediator": [*python, "remediator", *ours, "--web.listen-address", f"127.0.0.1:{ports.remediator}"],
        "prometheus": [
            find("prometheus"),
            f"--config.file={files.prometheus}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
        ],
    }
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for name, command in commands.items():
            program = await _start(name, command, folder)
            stack.push_async_callback(_stop, program)
            started.append(program)
            if name in {"exporter", "remediator"}:
                follower = asyncio.create_task(_follow(program, heard), name=f"log of {name}")
                stack.push_async_callback(_cancel, follower)
        yield started


async def _start(name: str, command: Sequence[str], folder: Path) -> Started:
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        # A process group of its own: Ctrl-C reaches us alone, and we end the programs in order.
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, env=_env()
        )
    return Started(name, process, log)


def _env() -> dict[str, str]:
    """Ours, without proxies: everything is on loopback."""
    return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}


async def _stop(program: Started) -> None:
    if program.process.returncode is not None:
        return
    program.process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await program.process.wait()
    except TimeoutError:
        program.process.kill()
        await program.process.wait()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _follow(program: Started, heard: Heard) -> None:
    """Hear each line of a program's JSON log as it is written."""
    with program.log.open(encoding="utf-8", errors="replace") as log:
        rest = ""
        while True:
            rest += log.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    heard(program.name, _sentence(json.loads(line)))
            await asyncio.sleep(0.1)


def _sentence(record: Mapping[str, Any]) -> str:
    """A record in a sentence: where a state has changed, what it is now."""
    return str(record["reason"] if "before" in record else record.get("msg", ""))


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
