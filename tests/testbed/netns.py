"""Real pod addresses without containers: a program runs in a network namespace of its own, with addresses on its `lo`.

Nothing leaves the namespace. Root uses `unshare --net`, others (and root in a container without CAP_SYS_ADMIN) a user
namespace around it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.testbed.patience import HANG_GUARD

_WAYS = (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net"))
_END_SECONDS = 15.0  # what a program that ran too long is given for its own teardown
_SET_UP = Path(__file__).with_name("loopback.py")


class NamespaceError(Exception):
    """No namespace could be made, or the program in it ran too long; the message says which."""


def namespace_command(addresses: Sequence[str], argv: Sequence[str], way: Sequence[str] = _WAYS[0]) -> list[str]:
    """The command that runs `argv` in a new namespace with these addresses (`10.96.0.10/32`) on its loopback device."""
    return [*way, sys.executable, "-I", str(_SET_UP), *addresses, "--", *argv]


def way_into_namespace() -> Sequence[str]:
    """The `unshare` command that works for us here; raises NamespaceError with what each of them said."""
    said: list[str] = []
    for way in _WAYS:
        try:
            command = namespace_command(["10.0.0.1/32"], ["true"], way)
            done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            said.append(f"{' '.join(way)}: {error}")
            continue
        if done.returncode == 0:
            return way
        said.append(f"{' '.join(way)}: {done.stderr.strip()}")
    raise NamespaceError(f"no network namespace can be made here ({'; '.join(said)})")


def run_in_namespace(
    addresses: Sequence[str], argv: Sequence[str], timeout: float, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end in a namespace; its standard output and error come back together in `stdout`.

    After `timeout` seconds it gets SIGTERM, 15 s later SIGKILL, and NamespaceError tells what it had printed.
    Processes that it left behind are killed in any case.
    """
    command = namespace_command(addresses, argv, way_into_namespace())
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True
        )
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise NamespaceError(f"{argv[0]} ran over {timeout:.0f} s:\n{_end(child, output)}") from None
        finally:
            _end(child, output)
        return subprocess.CompletedProcess(argv, code, stdout=_text(output), stderr="")


def _end(child: subprocess.Popen[bytes], output: IO[str]) -> str:
    """End the child and everything that it started; returns what they printed."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    return _text(output)


def _text(output: IO[str]) -> str:
    output.seek(0)
    return output.read()
