"""`make release` of a commit, twice: the same bytes, and in each file what it is said to be."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from scripts import go_tools
from scripts.cache import ROOT
from tests.chart.helm import KUBERNETES
from tests.testbed.missing import missing_component
from tests.testbed.node.builder import Builder
from tests.testbed.node.images import Image
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clone of HEAD."""
    if not (ROOT / ".git").exists():
        missing_component("a checkout", "a release is made of a commit: run this in a clone made by git")
    folder = tmp_path_factory.mktemp("checkout") / "clone"
    subprocess.run(("git", "clone", "--quiet", ROOT, folder), timeout=HANG_GUARD, check=True)
    return folder


@pytest.fixture(scope="module")
def releases(builder: Builder, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two releases of the same commit, the second without anything kept of the first."""
    base = builder.base()
    folders = tmp_path_factory.mktemp("release") / "first", tmp_path_factory.mktemp("release") / "second"
    for folder in folders:
        done = release(checkout, base, folder, builder=builder)
        assert done.returncode == 0, done.stderr
    builder.clean()
    return folders


def release(checkout: Path, *arguments: str | Path, builder: Builder | None = None) -> subprocess.CompletedProcess[str]:
    """Run what `make release` runs."""
    own = (
        {"BUILD_FLAGS": " ".join(builder.flags()), "CONTAINERS_STORAGE_CONF": f"{builder.storage_conf()}"}
        if builder
        else {}
    )
    command = ("unshare", "--mount", sys.executable, "-m", "scripts.release", *arguments)
    return subprocess.run(
        command, cwd=checkout, env=os.environ | own, capture_output=True, text=True, timeout=HANG_GUARD, check=False
    )


def test_run_twice_it_makes_the_same_bytes(releases: tuple[Path, Path]) -> None:
    first, second = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in releases)
    assert first.keys() == second.keys()
    assert {name for name, data in first.items() if data != second[name]} == set()


def test_it_makes_everything_that_a_release_uploads(releases: tuple[Path, Path]) -> None:
    kinds = ["-image.tar", ".cdx.json", ".tar.gz", ".tgz", ".whl", "NOTES.md", "SHA256SUMS"]
    found = sorted(file.name for file in releases[0].iterdir())
    assert [sum(name.endswith(kind) for name in found) for kind in kinds] == [1] * len(kinds)
    assert len(found) == len(kinds)


def test_the_sums_are_those_of_the_other_files(releases: tuple[Path, Path]) -> None:
    lines = dict(line.split("  ")[::-1] for line in (releases[0] / "SHA256SUMS").read_text().splitlines())
    files = [file for file in releases[0].iterdir() if file.name != "SHA256SUMS"]
    assert lines == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_charts_default_image_is_the_one_beside_it(releases: tuple[Path, Path]) -> None:
    (archive,) = releases[0].glob("*-image.tar")
    (package,) = releases[0].glob("*.tgz")
    digest = Image("", archive).digest
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(package.read_bytes()))) as chart:
        values = chart.extractfile("stagekeeper/values.yaml")
        assert values is not None
        assert yaml.safe_load(values)["image"]["digest"] == digest
    assert digest in (releases[0] / "NOTES.md").read_text()
    helm = go_tools.find(go_tools.HELM, go_tools.HELM.tools[0])
    assert helm is not None
    own = ("--values", ROOT / "charts" / "stagekeeper" / "ci" / "observe-values.yaml", "--kube-version", KUBERNETES)
    made = subprocess.run(
        (helm, "template", package, *own), capture_output=True, text=True, timeout=HANG_GUARD, check=True
    )
    assert f"registry.example/stagekeeper@{digest}" in made.stdout


def test_the_image_is_the_checkouts_own(releases: tuple[Path, Path], checkout: Path) -> None:
    (archive,) = releases[0].glob("*-image.tar")
    head = subprocess.run(("git", "rev-parse", "HEAD"), cwd=checkout, capture_output=True, text=True, check=True)
    labels = Image("", archive).config["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == head.stdout.strip()


def test_a_base_that_could_be_moved_is_refused(checkout: Path, tmp_path: Path) -> None:
    done = release(checkout, "localhost/python:3.13", tmp_path / "release")
    assert done.returncode == 1
    assert "PYTHON_IMAGE needs a digest" in done.stdout + done.stderr
    assert not (tmp_path / "release").exists()


def test_what_is_not_committed_is_not_released(checkout: Path, tmp_path: Path) -> None:
    new = checkout / "new-file"
    new.touch()
    done = release(checkout, f"localhost/python@sha256:{'0' * 64}", tmp_path / "release")
    new.unlink()
    assert done.returncode == 1
    assert "commit or stash" in done.stdout + done.stderr
