import subprocess
import sys
from pathlib import Path

import pytest

from image.build_tree import build_tree
from scripts.cache import ROOT


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as the image has it: from a wheel of this checkout and the hashed lock."""
    folder = tmp_path_factory.mktemp("image")
    wheel = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    subprocess.run([*wheel, "--wheel-dir", folder / "dist", ROOT], check=True, timeout=120)
    build_tree(folder / "dist", ROOT / "requirements" / "runtime.lock", folder / "tree")
    return folder / "tree"
