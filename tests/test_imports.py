"""The rule of one direction can fail: import-linter, with our contracts, catches an import that climbs."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.testbed.patience import HANG_GUARD

PACKAGES = (
    "bench",
    "exporter",
    "incidents",
    "remediator",
    "simulator",
    "stagekeeper",
    "stagekeeper/cli",
    "stagekeeper/config",
    "stagekeeper/diego",
    "stagekeeper/kube",
    "stagekeeper/service",
    "stagekeeper/trust",
    "stagekeeper/visible",
    "tests",
)


@pytest.mark.parametrize(
    ("package", "imported", "kept"),
    [
        ("remediator", "stagekeeper.diego", True),
        ("tests", "remediator", True),
        ("stagekeeper/diego", "remediator", False),
        ("stagekeeper/kube", "stagekeeper.diego", False),
        ("exporter", "remediator", False),
        ("incidents", "simulator", False),
        ("exporter", "incidents", False),
        ("remediator", "tests", False),
    ],
)
def test_an_import_that_climbs_is_caught(tmp_path: Path, package: str, imported: str, *, kept: bool) -> None:
    for each in PACKAGES:
        (tmp_path / each).mkdir()
        (tmp_path / each / "__init__.py").touch()
    (tmp_path / package / "mover.py").write_text(f"import {imported}\n")
    linter = Path(sys.prefix) / "bin" / "lint-imports"
    said = subprocess.run(
        [linter, "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": str(linter.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=False,
    )
    assert (said.returncode == 0) is kept, said.stdout + said.stderr
    assert kept or f"{package.replace('/', '.')}.mover -> {imported}" in said.stdout, said.stdout + said.stderr
