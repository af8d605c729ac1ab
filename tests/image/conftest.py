import hashlib
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from image.build_tree import build_tree
from scripts.cache import ROOT, cache_folder, made_once

LOCKS = [ROOT / "requirements" / name for name in ("runtime.lock", "sbom.lock")]


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The locked libraries, fetched once: asking an index for each of them takes longer than everything else here."""
    locked = "".join(lock.read_text() for lock in LOCKS)
    key = hashlib.sha256(f"{locked}{sys.version}{platform.machine()}".encode()).hexdigest()[:12]

    def fetch(made: Path) -> None:
        for lock in LOCKS:
            _pip("download", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", lock, "--dest", made)

    return made_once(cache_folder() / "wheels" / key, fetch)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The tree as the image has it: from a wheel of this checkout and the hashed lock."""
    folder = tmp_path_factory.mktemp("image")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", ROOT)
    with pytest.MonkeyPatch.context() as patch:  # as an administrator would tell pip of a mirror
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", wheels.as_uri())  # pip splits what is given at spaces
        build_tree(folder / "dist", LOCKS[0], folder / "tree")
    return folder / "tree"


def _pip(what: str, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", what, "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=300)
