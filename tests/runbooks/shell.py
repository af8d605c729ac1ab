"""A shell with exactly the programs that a runbook's reader has, in which commands run as they stand on the page."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.alerts.catalogue import ROOT
from tests.runbooks.outcomes import PLACEHOLDERS, Outcome
from tests.testbed.patience import HANG_GUARD


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and all that it printed."""

    code: int
    said: str

    def problem(self, expected: Outcome) -> str:
        """What is not as expected; nothing if all is."""
        if self.code not in expected.codes:
            return f"ended with {self.code}, not {expected.codes}: {self.said}"
        return (
            "" if re.search(expected.says, self.said, re.MULTILINE) else f"does not say {expected.says!r}: {self.said}"
        )


@dataclass(frozen=True, slots=True)
class Shell:
    """`names` replaces what a page names by what is here."""

    folder: Path
    kubeconfig: Path
    names: Mapping[str, str]

    def adapted(self, command: str) -> str:
        """A command with the names and addresses that are here."""
        for there, here in {**PLACEHOLDERS, **self.names}.items():
            command = command.replace(there, here)
        return command

    def run(self, command: str, *, endless: str = "") -> Ended:
        """Type a command; one that is `endless` is interrupted as soon as it says this."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", self.adapted(command)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        guard = threading.Timer(HANG_GUARD, _interrupt, [process])
        guard.start()
        try:
            with process:
                said = _read(process, endless)
        finally:
            guard.cancel()
        return Ended(0 if endless and re.search(endless, said) else process.returncode, said)

    def give(self, name: str, program: Path) -> None:
        """Put a program there."""
        self._bin.mkdir(exist_ok=True)
        (self._bin / name).symlink_to(program)

    def give_script(self, name: str, script: str) -> None:
        """Put a shell script there."""
        self._bin.mkdir(exist_ok=True)
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def give_stagekeeper(self) -> None:
        """Put our own command there."""
        self.give_script("stagekeeper", f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m stagekeeper "$@"')

    @property
    def _bin(self) -> Path:
        return self.folder / "bin"

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self._bin), "/usr/bin", "/bin"])
        return {"PATH": path, "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)}


def _read(process: "subprocess.Popen[str]", endless: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if endless and re.search(endless, said):
            _interrupt(process)
            break
    return said


def _interrupt(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
