"""The fixture `demo`: starts the demo where Prometheus and Alertmanager are there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.run import Demo

Start = Callable[..., Demo]


@pytest.fixture
def demo(tmp_path: Path, program: Callable[[str], Path]) -> Iterator[Start]:
    """`demo("--fault", "hang")` starts it; it ends with the test at the latest. `path`: another PATH for it."""
    folders = [str(program(name).parent) for name in ("prometheus", "prometheus-alertmanager")]
    started: list[Demo] = []

    def start(*flags: str, path: str = os.pathsep.join([os.environ.get("PATH", ""), *folders])) -> Demo:
        started.append(Demo(tmp_path, path, *flags))
        return started[-1]

    yield start
    for each in started:
        each.stop()
