import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from image.build_tree import BuildError, build_tree
from scripts.cache import ROOT
from tests.testbed.patience import HANG_GUARD

MEBIBYTE = 2**20


@pytest.mark.programs
def test_it_is_small(tree: Path) -> None:
    size = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
    assert 20 * MEBIBYTE < size < 80 * MEBIBYTE


@pytest.mark.programs
def test_it_holds_no_test_code_and_no_installer(tree: Path) -> None:
    assert [
        each for each in tree.rglob("*") if each.is_dir() and each.name in {"test", "tests", "simulator_tests"}
    ] == []
    names = {path.name for path in (tree / "lib").iterdir()}
    assert not names & {"pip", "setuptools", "wheel", "pytest", "hypothesis", "mypy", "trustme"}


@pytest.mark.programs
def test_it_holds_no_compiler_and_no_command_but_ours(tree: Path) -> None:
    runnable = [each.relative_to(tree) for each in tree.rglob("*") if each.is_file() and os.access(each, os.X_OK)]
    assert [str(each) for each in runnable if each.suffix != ".so" and ".so." not in each.name] == ["bin/stagekeeper"]
    assert not list(tree.rglob("*.c"))


@pytest.mark.programs
def test_every_module_is_compiled_to_bytecode_that_is_used_unchecked(tree: Path) -> None:
    for source in (tree / "lib").rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{compiled}: a hash, never checked"


@pytest.mark.programs
def test_the_bill_of_materials_names_exactly_what_is_installed(tree: Path) -> None:
    bill = json.loads((tree / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {(_normal(each["name"]), each["version"]) for each in [*bill["components"], bill["metadata"]["component"]]}
    installed = {(_normal(each.metadata["Name"]), each.version) for each in distributions(path=[str(tree / "lib")])}
    assert named == installed
    assert bill["metadata"]["component"]["name"] == "stagekeeper"
    assert all(each["licenses"] for each in bill["components"])


@pytest.mark.programs
def test_the_bill_of_materials_has_no_time_and_no_number_of_its_own(tree: Path) -> None:
    """So that the same tree has the same one."""
    bill = json.loads((tree / "sbom.cdx.json").read_text())
    assert "serialNumber" not in bill
    assert "timestamp" not in bill["metadata"]


def _normal(name: str) -> str:
    """A project's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_folder_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is there already"):
        build_tree(tmp_path, tmp_path / "lock", tmp_path)


def test_two_wheels_are_one_too_many(tmp_path: Path) -> None:
    lock = tmp_path / "empty.lock"
    lock.write_text("")
    for version in ("1", "2"):
        (tmp_path / f"stagekeeper-{version}-py3-none-any.whl").write_text("")
    with pytest.raises(BuildError, match="must hold one wheel of stagekeeper, and holds 2"):
        build_tree(tmp_path, lock, tmp_path / "tree")


def test_the_command_says_how_it_is_used() -> None:
    command = [sys.executable, "-m", "image.build_tree"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert (done.returncode, done.stderr) == (2, "Usage: python -m image.build_tree WHEEL LOCK FOLDER\n")
