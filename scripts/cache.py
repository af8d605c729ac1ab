"""Where the project keeps what it fetched or built, how it finds programs, and how it speaks while it works."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folders for administrators are not on everybody's PATH.
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class SetupError(Exception):
    """Something could not be set up; the message says what is missing and what to do."""


def say(sentence: str) -> None:
    """Print one line now, also when standard output is a pipe."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/stagekeeper`, else `~/.cache/stagekeeper`; relative values are ignored, as the XDG text asks."""
    chosen = Path(environment.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "stagekeeper"


def on_path(name: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The program of that name on PATH or in a folder for administrators, or None."""
    folders = [environment.get("PATH", os.defpath), *_SBIN]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return Path(found) if found else None


def output_of(command: Sequence[str | Path]) -> str | None:
    """What a short command prints (standard output), or None if it cannot be run, fails, or takes over 30 s."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands are this package's own
            command, capture_output=True, text=True, timeout=30, check=True, env=child_environment()
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def run(command: Sequence[str | Path], log: Path, *, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a long command whose output goes to a log file, so that its progress can be told in the meantime."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the commands are this package's own
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=child_environment()
        )


def must(command: Sequence[str | Path], log: Path, what: str, *, cwd: Path | None = None) -> None:
    """Run a command to its end; raise SetupError with the end of its log if it fails."""
    code = run(command, log, cwd=cwd).wait()
    if code:
        raise SetupError(f"{what} failed with exit code {code}; the end of {log}:\n{tail(log)}")


def tail(log: Path) -> str:
    """The last 20 lines of a log file, indented."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-20:])


def child_environment() -> dict[str, str]:
    """Our environment, with a HOME and a PATH even where `env -i` took them, and with our own choices for Go builds."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {"HOME": str(Path.home()), "PATH": os.defpath} | dict(os.environ) | fixed


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, which `make` fills where it is given if it is not there yet; what fails leaves nothing behind.

    `make` gets a path beside which it may write what goes away again, such as a log.
    """
    with locked(folder.parent):
        if not folder.exists():  # else another process was faster
            with tempfile.TemporaryDirectory(dir=folder.parent) as work:
                made = Path(work) / "made"
                make(made)
                made.rename(folder)  # in one step: a half of it is never found
    return folder


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: two `make` at once do not fetch or build the same thing twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  waiting for another process that is filling {folder}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
