"""The demo as a process whose traces can be found: everything that it starts inherits a TMPDIR of its own."""

import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

from scripts.cache import ROOT
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, ProcessError

# Seconds, on a machine that is busy with something else; the longest takes about 45 otherwise.
_LONGEST = 400.0


class Page(NamedTuple):
    """What a browser gets."""

    status: int
    text: str


class Demo:
    """One run of `make demo`."""

    def __init__(self, folder: Path, path: str, *flags: str) -> None:
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        environment = os.environ | {"TMPDIR": str(self._temporary), "PATH": path, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "simulator.demo", *flags]
        self._process = Process("demo", command, folder / "demo.log", env=environment)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._process.log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has printed this; ProcessError if it ends before."""
        self._process.wait_until(lambda: text in self.output, f"{text!r} in its output", HANG_GUARD)

    def signal(self, number: int) -> None:
        """Send it a signal: it alone, since the programs that it starts have sessions of their own."""
        os.kill(self._process.pid, number)

    def end(self) -> int:
        """Its exit code, once it has ended by itself; ProcessError if it does not."""
        end = time.monotonic() + _LONGEST
        while (code := self._process.exit_code) is None:
            if time.monotonic() > end:
                raise ProcessError(f"the demo did not end within {_LONGEST:.0f} s\n{self.output}")
            time.sleep(0.05)
        return code

    def stop(self) -> None:
        """End it, if it still runs."""
        self._process.stop()

    def get(self, url: str) -> Page:
        """A page of it."""
        with urllib.request.urlopen(url, timeout=HANG_GUARD) as answer:  # noqa: S310 -- the demo's own
            return Page(answer.status, answer.read().decode())

    def wait_for_page(self, url: str, text: str) -> None:
        """Wait until a page of it has this; ProcessError if it ends before."""
        self._process.wait_until(lambda: text in self.get(url).text, f"{text!r} on {url}", HANG_GUARD)

    def left_behind(self) -> list[str]:
        """The files and processes of it that are still there."""
        files = [str(path) for path in self._temporary.iterdir()]
        return files + [line for pid in _processes() if (line := self._trace(pid))]

    def _trace(self, pid: int) -> str:
        """The command line of a process that was started with our TMPDIR; "" for any other."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:  # it has ended, or belongs to somebody else
            return ""
        return command.replace(b"\0", b" ").decode() if f"TMPDIR={self._temporary}".encode() in environment else ""


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
