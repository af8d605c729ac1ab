"""`scripts/setup` where the index has moved on: it installs the lock as it is, and asks for nothing else."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.cache import ROOT
from scripts.uv import pip_settings, uv_environment
from tests.scripts.index import Index, serving
from tests.testbed.patience import HANG_GUARD

LOCK = ROOT / "requirements" / "dev.lock"
PINNED = re.compile(r"^[^\s#].*?==[^\\]+", re.MULTILINE)
# Stands in for the build backend of that name: the smallest editable install that PEP 660 allows.
BACKEND = """
import zipfile

def build_editable(folder, *_):
    with zipfile.ZipFile(f"{folder}/stagekeeper-0.2.0-py3-none-any.whl", "w") as made:
        named = "stagekeeper-0.2.0.dist-info"
        made.writestr(f"{named}/METADATA", "Metadata-Version: 2.1\\nName: stagekeeper\\nVersion: 0.2.0\\n")
        made.writestr(f"{named}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        made.writestr(f"{named}/RECORD", "")
    return "stagekeeper-0.2.0-py3-none-any.whl"
"""
CONTENT = {
    "uv": {"bin/uv": f'#!/bin/sh\nexec {sys.prefix}/bin/uv "$@"\n'},
    "hatchling": {"hatchling/__init__.py": "", "hatchling/build.py": BACKEND},
}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout with the real lock's packages and versions, and the index that it is set up from."""

    folder: Path
    index: Index
    pinned: tuple[Requirement, ...]

    @property
    def lock(self) -> Path:
        """Its own copy of the lock."""
        return self.folder / "requirements" / "dev.lock"

    def set_up(self) -> subprocess.CompletedProcess[str]:
        """Run `scripts/setup` as on a new machine: nothing in its home folder, and pip told of the index."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder / "home"),
            "PIP_INDEX_URL": self.index.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHON": getattr(sys, "_base_executable", sys.executable),
        }
        command = [self.folder / "scripts" / "setup"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG_GUARD, check=False)

    def installed(self) -> set[str]:
        """`name==version` of everything in its environment that came from the index."""
        found = (self.folder / ".venv").glob("lib/python3*/site-packages/*.dist-info")
        parts = [each.name.removesuffix(".dist-info").rpartition("-") for each in found]
        return {f"{name.replace('_', '-')}=={version}" for name, _, version in parts} - {"stagekeeper==0.2.0"}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Each package in the locked version and in a newer one; both require what no lock names and no index has."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pinned = tuple(Requirement(found) for found in PINNED.findall(LOCK.read_text()))
    index, lines = Index(), []
    for package in pinned:
        (version,) = (each.version for each in package.specifier)
        digest = index.add(package.name, version, CONTENT.get(package.name, {}), "Requires-Dist: unheard-of>=1\n")
        index.add(package.name, f"{version}.999", {}, "Requires-Dist: unheard-of>=2\n")
        lines.append(f"{package} \\\n    --hash=sha256:{digest}\n")
    (folder / "requirements").mkdir()
    with serving(index):
        made = Checkout(folder, index, pinned)
        made.lock.write_text("".join(lines))
        yield made


@pytest.mark.programs
def test_the_lock_is_installed_as_it_is_where_every_package_has_a_newer_version(checkout: Checkout) -> None:
    done = checkout.set_up()
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = [package for package in checkout.pinned if package.marker is None or package.marker.evaluate()]
    assert checkout.installed() - {f"{name}=={version}" for name, version in _seeds(checkout)} == {
        f"{package.name}{package.specifier}" for package in wanted
    }
    pages = {path.split("/")[2] for path in checkout.index.asked if path.startswith("/simple/")}
    assert pages == {package.name for package in wanted}
    files = {path for path in checkout.index.asked if path.startswith("/files/")}
    assert files
    assert not [path for path in files if ".999-" in path]


def _seeds(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """What `python -m venv` itself puts into an environment."""
    for name in ("pip", "setuptools"):
        for found in (checkout.folder / ".venv").glob(f"lib/python3*/site-packages/{name}-*.dist-info"):
            yield name, found.name.removesuffix(".dist-info").partition("-")[2]


@pytest.mark.programs
def test_a_file_that_is_not_the_locked_one_is_refused(checkout: Checkout) -> None:
    (pydantic,) = (package for package in checkout.pinned if package.name == "pydantic")
    (version,) = (each.version for each in pydantic.specifier)
    checkout.index.add("pydantic", version, {"pydantic/__init__.py": "import nothing_good"}, "")
    done = checkout.set_up()
    assert done.returncode != 0
    assert re.search("hash mismatch for `?pydantic", done.stderr, re.IGNORECASE), done.stderr
    assert not any(name.startswith("pydantic==") for name in checkout.installed())


@pytest.mark.parametrize(
    ("listing", "settings"),
    [
        ("", {}),
        ("global.index-url='https://a/simple'", {"index-url": "https://a/simple"}),
        ("install.index-url='b'\nglobal.index-url='a'", {"index-url": "b"}),
        (":env:.index-url='c'\ninstall.index-url='b'", {"index-url": "c"}),
        ("global.find-links='/a\\n/b'", {"find-links": "/a\n/b"}),
        ("freeze.timeout='10'\nnonsense", {}),
    ],
)
def test_pip_s_settings_are_read_as_pip_reads_them(listing: str, settings: dict[str, str]) -> None:
    assert pip_settings(listing) == settings


def test_uv_is_told_what_pip_was_told() -> None:
    settings = {"index-url": "https://a/simple", "extra-index-url": "https://b\nhttps://c", "find-links": "/d /e"}
    told = uv_environment(settings | {"cert": "/f", "default-timeout": "180"}, {"PATH": "/bin"})
    assert told["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert told["UV_INDEX"] == "https://b https://c"
    assert told["UV_FIND_LINKS"] == "/d,/e"
    assert (told["SSL_CERT_FILE"], told["UV_HTTP_TIMEOUT"], told["PATH"]) == ("/f", "180", "/bin")


def test_what_uv_itself_was_told_comes_first() -> None:
    told = uv_environment({"index-url": "https://a/simple"}, {"UV_DEFAULT_INDEX": "https://z/simple"})
    assert told["UV_DEFAULT_INDEX"] == "https://z/simple"
