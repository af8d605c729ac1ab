import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from image import sbom
from image.build_tree import BuildError, build_tree
from scripts.cache import ROOT

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
    named = {(each["name"], each["version"]) for each in [*bill["components"], bill["metadata"]["component"]]}
    installed = {
        (re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(), each.version)
        for each in distributions(path=[str(tree / "lib")])
    }
    assert named == installed
    assert all(each["licenses"] for each in bill["components"])
    assert all(each["externalReferences"][0]["hashes"] for each in bill["components"])


@pytest.mark.programs
def test_the_same_tree_has_the_same_bill_of_materials(tree: Path) -> None:
    lock = (ROOT / "requirements" / "runtime.lock").read_text()
    assert sbom.text(lock, tree / "lib") == (tree / "sbom.cdx.json").read_text()


def test_what_is_not_in_the_lock_is_not_passed_over(tmp_path: Path) -> None:
    _install(tmp_path, "Extra_Thing", "1.0")
    with pytest.raises(sbom.Mismatch, match=r"extra-thing: installed, but not in the lock\."):
        sbom.text("other==1.0 \\\n", tmp_path)


def test_another_version_than_the_locked_one_is_not_passed_over(tmp_path: Path) -> None:
    _install(tmp_path, "thing", "1.1")
    with pytest.raises(sbom.Mismatch, match=r"thing: 1\.1 is installed, 1\.0 is locked\."):
        sbom.text("thing==1.0 \\\n", tmp_path)


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
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (2, "Usage: python -m image.build_tree WHEEL LOCK FOLDER\n")


def _install(library: Path, name: str, version: str) -> None:
    folder = library / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
