"""Environments with the real platform's timings, for tests under fake time."""

from pathlib import Path

import pytest

from simulator.actors import ActorOptions
from simulator.environment import Options
from simulator.kubelet import KubeletOptions
from tests.simulator.kit import Builder


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    """The builder of environments whose actors poll once a second; use it as an async context."""
    actors = ActorOptions(kubelet=KubeletOptions(interval=2.0), label_interval=4.0, endpoints_interval=2.0)
    return Builder(tmp_path, Options(actors))
