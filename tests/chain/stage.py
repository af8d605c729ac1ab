"""Runs one of this folder's programs in a network namespace and gives back what it wrote down."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chain.cloud_foundry import NETWORKS
from tests.testbed.netns import run_in_namespace

_LINES = 40


def play(request: pytest.FixtureRequest, module: str, folder: Path, timeout: float) -> None:
    """Run `tests.chain.MODULE` to its end, and show its time line; where it fails, the ends of all logs too."""
    done = run_in_namespace(NETWORKS, [sys.executable, "-m", f"tests.chain.{module}", str(folder)], timeout)
    show(request, done.stdout)
    if done.returncode:
        show(request, log_tails(folder))
        said = f"tests.chain.{module} ended with exit code {done.returncode}; its output and all logs are above"
        pytest.fail(said, pytrace=False)


def facts(request: pytest.FixtureRequest, folder: Path, story: str) -> dict[str, Any]:
    """What a story wrote down; if it could not be played to its end, the test fails with the reason and all logs."""
    found: dict[str, Any] = json.loads((folder / f"{story}.json").read_text())
    if "problem" in found:
        show(request, log_tails(folder))
        said = f"the story {story!r} did not come to its end; all logs are above\n{found['problem']}"
        pytest.fail(said, pytrace=False)
    return found


def log_tails(folder: Path) -> str:
    """The ends of all logs in a folder."""
    return "\n".join(
        "\n".join([f"--- end of {log} ---", *log.read_text(errors="replace").splitlines()[-_LINES:]])
        for log in sorted(folder.rglob("*.log"))
    )


def show(request: pytest.FixtureRequest, text: str) -> None:
    """Print past pytest's capture: a time line is worth reading when all is well, too."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        sys.stdout.write(f"\n{text}\n")
        return
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\n{text}\n")
