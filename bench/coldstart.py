"""How long each command takes to say something, beside a Python that does nothing, and what its imports cost."""

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from bench.diego import Cluster
from bench.numbers import Rounds
from bench.running import Bench
from bench.scraping import write
from bench.table import Line, Section
from scripts.cache import ROOT
from tests.testbed.process import free_port

COMMANDS = {
    "stagekeeper --help": ["-m", "stagekeeper", "--help"],
    "stagekeeper diagnose --help": ["-m", "stagekeeper", "diagnose", "--help"],
    "stagekeeper check-config --help": ["-m", "stagekeeper", "check-config", "--help"],
    "exporter --help": ["-m", "exporter", "--help"],
    "remediator --help": ["-m", "remediator", "--help"],
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")
_MILLI = 1000.0


async def cold_start(bench: Bench, where: Cluster) -> Section:
    """Commands until their end, and the exporter until it is ready."""
    section = Section("Cold start, compiled bytecode present")
    rounds = 2 if bench.quick else 5
    for name, arguments in COMMANDS.items():
        took = [(await _run(*arguments), await _run("-c", "pass")) for _ in range(rounds)]
        ours, bare = (Rounds(tuple(column)) for column in zip(*took, strict=True))
        section.lines.append(Line(name, "ms", ours, "python -c pass", bare))
        section.notes.append(f"{name} imports: {'; '.join(await asyncio.to_thread(dearest, arguments))}")
    took = [(await _until_ready(bench, where), await _run("-c", "pass")) for _ in range(rounds)]
    ours, bare = (Rounds(tuple(column)) for column in zip(*took, strict=True))
    section.lines.append(Line("exporter until /-/ready", "ms", ours, "python -c pass", bare))
    return section


async def _run(*arguments: str) -> float:
    began = time.perf_counter()
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=quiet, stderr=quiet, cwd=ROOT)
    await child.wait()
    return (time.perf_counter() - began) * _MILLI


async def _until_ready(bench: Bench, where: Cluster) -> float:
    """An exporter whose one environment is not there: it needs an observation to say so."""
    missing = {"name": "cf", "namespace": "nowhere", "service": {"host": "127.0.0.1"}}
    config = write(bench.path("cold.yaml"), {"environments": [missing]})
    url = f"127.0.0.1:{free_port()}"
    flags: list[str | Path] = ["--config.file", config, "--kubeconfig", where.plane.kubeconfig]
    argv = [sys.executable, "-m", "exporter", f"--web.listen-address={url}", *flags]
    began = time.perf_counter()
    running = await bench.start("cold", argv, f"http://{url}", "/-/ready")
    took = (time.perf_counter() - began) * _MILLI
    await asyncio.to_thread(running.process.stop)
    return took


def dearest(arguments: list[str], count: int = 5) -> list[str]:
    """The imports that cost the most with all that they import, outermost only, dearest first, in milliseconds."""
    found: list[tuple[int, str]] = []
    shown = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=dict(os.environ),
    )
    for line in shown.stderr.splitlines():
        match = _LINE.match(line)
        if match and "." not in match[4]:
            found.append((int(match[2]), match[4]))
    return [f"{name} {cost / 1000:.0f}" for cost, name in sorted(found, reverse=True)[:count]]
