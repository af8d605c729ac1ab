from pathlib import Path

import pytest

from image.build_tree import build_tree
from scripts.cache import ROOT
from tests.testbed.wheels import RUNTIME_LOCK, run_pip


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The tree as the image has it: from a wheel of this checkout and the hashed lock."""
    folder = tmp_path_factory.mktemp("image")
    run_pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", ROOT)
    with pytest.MonkeyPatch.context() as patch:  # as an administrator would tell pip of a mirror
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", wheels.as_uri())  # pip splits what is given at spaces
        build_tree(folder / "dist", RUNTIME_LOCK, folder / "tree")
    return folder / "tree"
