"""The libraries of the runtime's lock as wheels, for whoever installs it in a test."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

from scripts.cache import ROOT, cache_folder, made_once
from tests.testbed.patience import HANG_GUARD

RUNTIME_LOCK = ROOT / "requirements" / "runtime.lock"
_LOCKS = (RUNTIME_LOCK, ROOT / "requirements" / "sbom.lock")


def locked_wheels() -> Path:
    """A folder with them, fetched once: asking an index for each of them takes longer than installing them."""
    locked = "".join(lock.read_text() for lock in _LOCKS)
    key = hashlib.sha256(f"{locked}{sys.version}{platform.machine()}".encode()).hexdigest()[:12]

    def fetch(made: Path) -> None:
        for lock in _LOCKS:
            run_pip("download", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", lock, "--dest", made)

    return made_once(cache_folder() / "wheels" / key, fetch)


def run_pip(what: str, *arguments: str | Path) -> None:
    """Run a command of pip's, which must succeed."""
    command = [sys.executable, "-m", "pip", what, "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=HANG_GUARD)
