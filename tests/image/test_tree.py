import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from image.build_tree import BuildError, build_tree, compile_all
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


IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
def resident():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmRSS:"))
from stagekeeper.late_import import imported
for target in sys.argv[2:]:
    imported(target)
"""
LARGEST = 57
"""MiB. docs/performance.md says 55, of some builds of Python; another may be larger itself."""


@pytest.mark.programs
@pytest.mark.parametrize("program", ["exporter", "remediator"])
def test_a_program_that_has_been_asked_nothing_yet_is_small(program: str, tree: Path) -> None:
    taken = float(_printed(tree, "resident()", f"{program}.__main__:command", f"{program}.app:start"))
    print(f"RSS of the {program} from the image's tree: {taken:.1f} MiB")  # noqa: T201 -- a measurement to read
    assert 20 < taken < LARGEST


@pytest.mark.programs
def test_the_programs_ask_nothing_of_windows(tree: Path) -> None:
    assert _printed(tree, "'ctypes' in sys.modules", "remediator.app:start") == "False"


def _printed(tree: Path, expression: str, *targets: str) -> str:
    """What `expression` is once these are imported from the tree, by the Python that tests run with."""
    script = f"{IMPORT}\nprint({expression})"
    command = [sys.executable, "-I", "-S", "-c", script, str(tree / "lib"), *targets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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


MODULE = """\
'Of the module.'
from __future__ import annotations
class Documented:
    'Of a class that has nothing else.'
    'And once more.'
async def documented():
    'Of a function.'
    assert False, 'still asserted'
"""


@pytest.mark.parametrize(("package", "documented"), [("stagekeeper", 3), ("aiohttp", 0)])
def test_libraries_lose_their_docstrings_and_nothing_else(package: str, documented: int, tmp_path: Path) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(MODULE)
    compile_all(tmp_path)
    script = (
        f"import asyncio, {package} as it\n"
        "print(sum(each.__doc__ is not None for each in (it, it.Documented, it.documented)))\n"
        "asyncio.run(it.documented())"
    )
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('Not what was compiled.')")
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.stdout.split() == [str(documented)]
    assert f'{package}/__init__.py", line 8, in documented' in done.stderr
    assert "AssertionError: still asserted" in done.stderr


def test_what_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(BuildError, match=r"broken\.py does not compile with"):
        compile_all(tmp_path)


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
