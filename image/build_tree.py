"""`python -m image.build_tree WHEEL LOCK FOLDER` makes the tree that the image has in /opt/stagekeeper.

    bin/stagekeeper     the command; it finds lib/ beside itself, so the tree can be anywhere
    lib/                the locked libraries and the programs, with compiled bytecode
    sbom.cdx.json       what is in lib/, as CycloneDX

WHEEL is a file, or a folder with one wheel in it; LOCK has sbom.lock beside it, whose tool lists what is in lib/.
Standard library only: it runs in the bare base image.
"""

import ast
import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
COMMAND = '''\
#!/usr/bin/env python3
"""The command `stagekeeper` of this tree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from stagekeeper.cli import main

main()
'''
LISTING = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("cyclonedx_py", run_name="__main__")
"""
"""Runs the tool from where it is, so that PYTHONPATH is left to say where it looks for what is installed."""
NOT_NEEDED = (
    # Commands of libraries, test code, and what only compilers and type checkers read.
    *("bin", "**/tests", "**/test", "**/*.pyi", "**/*.c", "**/*.h", "**/*.pyx", "**/*.pxd"),
    # Kubernetes' typed models and calls: two thirds of everything, loaded only by whoever names one, and we never do.
    *("kubernetes/**/client/models/v*.py", "kubernetes/**/client/models/*_v*.py", "kubernetes/**/client/api/*_api.py"),
    "dateutil/tz/win.py",  # asks for ctypes before it finds that this is not Windows
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_UNCHECKED_HASH = (1).to_bytes(4, "little")
"""What a .pyc says of itself that is never compared with its source (peps.python.org/pep-0552)."""


class BuildError(Exception):
    """The tree can't be made; the message says why and what to do."""


def build_tree(wheel: Path, lock: Path, folder: Path) -> None:
    """Make the tree in `folder`, which must not exist. Raises BuildError."""
    if folder.exists():
        raise BuildError(f"{folder} is there already: name a folder that is not, or remove it.")
    library = folder / "lib"
    _install(library, "--require-hashes", "-r", str(lock))
    _install(library, str(_one_wheel(wheel)))
    _strip(library)
    compile_all(library)
    _command(folder / "bin" / "stagekeeper")
    _list(library, lock.with_name("sbom.lock"), folder / "sbom.cdx.json")


def _one_wheel(path: Path) -> Path:
    found = [path] if path.is_file() else sorted(path.glob("stagekeeper-*.whl"))
    if len(found) != 1:
        raise BuildError(
            f"{path} must hold one wheel of stagekeeper, and holds {len(found)}: "
            "empty it, then run `python -m pip wheel --no-deps --wheel-dir dist .`"
        )
    return found[0]


def _install(library: Path, *what: str) -> None:
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore", "--no-warn-conflicts")
    # No compiler, here or in the image; and nothing but what the lock names.
    exact = ("--no-compile", "--only-binary=:all:", "--no-deps")
    command = [sys.executable, "-m", "pip", "install", *quiet, *exact, "--target", str(library), "--upgrade", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
    if done.returncode:
        raise BuildError(f"pip could not install {what[-1]}:\n{done.stderr.strip()}")


def _list(library: Path, lock: Path, file: Path) -> None:
    """The bill of materials, as CycloneDX: the same for the same tree, and judged by its schema."""
    with tempfile.TemporaryDirectory() as tools:
        _install(Path(tools), "--require-hashes", "-r", str(lock))
        given = ("environment", "-S", "--output-reproducible", "--spec-version=1.6", "--output-file", str(file))
        command = [sys.executable, "-c", LISTING, tools, *given, "--pyproject", str(PROJECT), sys.executable]
        found = {**os.environ, "PYTHONPATH": str(library)}
        done = subprocess.run(command, env=found, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
    if done.returncode:
        raise BuildError(f"cyclonedx-py could not list what is in {library}:\n{done.stderr.strip()}")


def _strip(library: Path) -> None:
    for pattern in NOT_NEEDED:
        for found in sorted(library.glob(pattern)):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink(missing_ok=True)


def compile_all(library: Path) -> None:
    """Bytecode that is used unchecked: nothing in the image changes after it is made, least of all its clocks.

    That of the libraries is without their docstrings, which nobody reads there and every program would hold in memory.
    Ours has them: they are help texts. Not by `-OO`, which would take assertions too; aiohttp before 3.13.3 looped for
    ever over some requests without them (CVE-2025-69227). Raises BuildError.
    """
    ours = tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    for source in sorted(library.rglob("*.py")):
        name, text = source.relative_to(library), source.read_bytes()
        try:
            tree = ast.parse(text, str(name))
            code = compile(tree if name.parts[0] in ours else _silent(tree), str(name), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as problem:
            raise BuildError(f"{source} does not compile with {sys.version.split()[0]}: {problem}") from problem
        target = Path(importlib.util.cache_from_source(source, optimization=""))
        target.parent.mkdir(exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(text)
        target.write_bytes(head + marshal.dumps(code))


def _silent(tree: ast.Module) -> ast.Module:
    for each in ast.walk(tree):
        while isinstance(each, _DOCUMENTED) and ast.get_docstring(each, clean=False) is not None:
            each.body[:1] = [] if each.body[1:] else [ast.copy_location(ast.Pass(), each.body[0])]
    return tree


def _command(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(COMMAND, encoding="utf-8")
    path.chmod(0o755)


def main(arguments: list[str]) -> int:
    """The command line; the exit code."""
    if len(arguments) != 3:  # noqa: PLR2004 -- wheel, lock, folder
        sys.stderr.write("Usage: python -m image.build_tree WHEEL LOCK FOLDER\n")
        return 2
    try:
        build_tree(*map(Path, arguments))
    except BuildError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
