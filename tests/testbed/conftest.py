import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.testbed.process import Process


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts this Python with some arguments as a process that ends with the test."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        command = [sys.executable, *arguments]
        started.append(Process("python", command, tmp_path / "python.log", env={"PYTHONPATH": str(ROOT)}))
        return started[-1]

    yield start
    for process in started:
        process.stop()
