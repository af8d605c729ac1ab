"""The two things that are published, built from this checkout: the sdist, and the wheel built from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.testbed.patience import HANG_GUARD
from tests.testbed.wheels import RUNTIME_LOCK


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    _build("sdist", ROOT, folder)
    (archive,) = folder.glob("*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, sdist: Path) -> Path:
    """The wheel, built from the sdist as `pip install .` builds it there."""
    folder = tmp_path_factory.mktemp("wheel")
    _build("wheel", sdist, folder)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path, wheels: Path) -> Path:
    """The `bin` folder of a clean environment with nothing in it but the runtime's lock and the wheel."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    uv = Path(sys.prefix) / "bin" / "uv"
    offline = ("--quiet", "--offline", "--no-index", "--no-deps", "--python", folder / "bin" / "python")
    _run(uv, "venv", "--quiet", "--python", sys.executable, folder)
    _run(uv, "pip", "install", *offline, "--find-links", wheels, "--require-hashes", "-r", RUNTIME_LOCK)
    _run(uv, "pip", "install", *offline, wheel)
    return folder / "bin"


def _build(what: str, source: Path, target: Path) -> None:
    _run(sys.executable, "-m", "hatchling", "build", "--target", what, "--directory", target, cwd=source)


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
