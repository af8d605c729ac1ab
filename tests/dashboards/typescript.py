"""Grafana's types in TypeScript, installed once into the project's cache, and what tsc says of a dashboard."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.cache import cache_folder, child_environment, locked, on_path
from tests.testbed.missing import missing_component

TYPES = Path(__file__).parent / "types"
PACKAGES = ("package.json", "package-lock.json")
DONE = "installed"


def types_folder() -> Path:
    """A folder with `node_modules` in exactly the versions of the lock file; skips loudly where there is no npm."""
    npm = on_path("npm")
    if npm is None:
        missing_component("npm", "install Node.js and npm (on Debian and Ubuntu: apt-get install npm)")
    content = b"".join((TYPES / name).read_bytes() for name in PACKAGES)
    folder = cache_folder() / "grafana-types" / hashlib.sha256(content).hexdigest()[:16]
    with locked(folder):
        if not (folder / DONE).exists():
            for name in PACKAGES:
                shutil.copy(TYPES / name, folder)
            _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder).check_returncode()
            (folder / DONE).touch()
    return folder


def refusals(boards: Mapping[str, Any], folder: Path) -> list[str]:
    """What tsc has against dashboards, by name: nothing if they fit Grafana's types."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="check-") as work:
        for name in ("shapes.ts", "tsconfig.json"):
            shutil.copy(TYPES / name, work)
        for name, board in boards.items():
            text = (
                f'import type {{ Dashboard }} from "./shapes";\nexport const board: Dashboard = {json.dumps(board)};\n'
            )
            (Path(work) / f"{name}.ts").write_text(text, encoding="utf-8")
        found = _run(folder / "node_modules" / ".bin" / "tsc", "-p", work, cwd=folder)
    said = found.stdout.splitlines()
    assert said or found.returncode == 0, found.stderr
    return said


def _run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=child_environment(),
    )
