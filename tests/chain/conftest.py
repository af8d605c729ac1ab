"""The fixture `play`: runs one of this folder's programs, where the machine can."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chain import stage

Play = Callable[[str, float], Path]


@pytest.fixture(scope="session")
def play(
    request: pytest.FixtureRequest, program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Play:
    """`play("loop", 240)` runs `tests.chain.loop` for at most 240 s and gives the folder that it wrote into.

    Skips loudly where the machine lacks a program or can't make network namespaces.
    """
    program("prometheus")
    program("prometheus-alertmanager")
    program("helm")
    request.getfixturevalue("control_plane_binaries")
    request.getfixturevalue("network_namespaces")

    def run(module: str, timeout: float) -> Path:
        folder = tmp_path_factory.mktemp(module)
        stage.play(request, module, folder, timeout)
        return folder

    return run
