"""The namespaces that a node lives in, and how to get in: for programs, and for what a test asks by itself."""

import contextlib
import ctypes
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.testbed.node.machine import NodeError, cgroup_roots

_GUARD = Path(__file__).with_name("guard.py")
_CLONE_NEWNET = 0x40000000
_END_SECONDS = 120.0
T = TypeVar("T")


class Namespaces:
    """A network and a mount namespace with a cgroup `group`; made by `namespaces()`."""

    def __init__(self, pid: int, group: str) -> None:
        self.group = group
        self._places = {kind: f"/proc/{pid}/ns/{kind}" for kind in ("mnt", "net")}
        self._threads = ThreadPoolExecutor(max_workers=16, initializer=self._enter, thread_name_prefix="node")

    def command(self, program: str | Path, *arguments: str | Path) -> list[str | Path]:
        """The command that runs a program in there. It starts in `/`, under the PID that it is started with."""
        enter = [f"--mount={self._places['mnt']}", f"--net={self._places['net']}"]
        return ["nsenter", *enter, program, *arguments]

    def wrapped(self, program: Path, script: Path) -> Path:
        """A script that runs a program in there, for whoever wants the path of one."""
        script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, self.command(program)))} "$@"\n')
        script.chmod(0o755)
        return script

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in the node's network; its result, or what it raises."""
        return self._threads.submit(work).result()

    def memory(self) -> int:
        """What all programs and pods in there take now, in bytes; what several share counts once."""
        ours, total = Path(self._places["mnt"]).readlink(), 0
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                in_pod = f"/{self.group}/" in (process / "cgroup").read_text()
                if in_pod or (process / "ns/mnt").readlink() == ours:
                    (pss,) = re.findall(r"^Pss:\s+(\d+) kB$", (process / "smaps_rollup").read_text(), re.MULTILINE)
                    total += int(pss) * 1024
        return total

    def close(self) -> None:
        """End the threads that are in there."""
        self._threads.shutdown()

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(self._places["net"]).open() as network:
            if libc.setns(network.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "the node's network namespace cannot be entered")


@contextlib.contextmanager
def namespaces(folder: Path) -> Iterator[Namespaces]:
    """Namespaces with everything that a node's programs find there; on leaving, all that runs in there is ended.

    NodeError if they cannot be made, or if something is left over.
    """
    group = f"stagekeeper-{os.getpid()}"
    command: list[str | Path] = [
        "unshare",
        "--net",
        "--mount",
        "--",
        sys.executable,
        "-I",
        _GUARD,
        folder,
        group,
        *cgroup_roots(),
    ]
    log = folder / "guard.log"
    with log.open("wb") as errors:
        guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    assert guard.stdin is not None
    assert guard.stdout is not None
    try:
        if guard.stdout.readline() != b"ready\n":
            guard.wait(_END_SECONDS)
            raise NodeError(f"the node's namespaces cannot be set up: {log.read_text().strip()}")
        made = Namespaces(guard.pid, group)
        try:
            yield made
        finally:
            made.close()
    finally:
        guard.stdin.close()
        code = guard.wait(_END_SECONDS)
        guard.stdout.close()
    if code:
        raise NodeError(f"the node was not taken away: {log.read_text().strip()}")
