"""In which order the tests run, and which stay together in one worker.

What mostly waits (whole loops on real programs) begins first, so that it overlaps with what computes. Tests that share
something dear, a control plane or a built tree, stay in one worker; all others go wherever there is room.

pytest-xdist's `loadgroup` and its marks would do the same, but it writes the group into an attribute that pytest 9.2 no
longer reads, and so silently does nothing.
"""

from pathlib import Path

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

TESTS = Path(__file__).parent
_FIRST = (
    "node",
    "demo/test_demo",
    "alerts_live",
    "chart/test_install",
    "interleaving/test_exhaustive",
    "dashboards/test_live",
    "demo",
    "image",
    "contract",
    "real_api",
    "runbooks",
    "chart",
    "alerts",
    "dashboards",
    "interleaving",
    "soak",
)
_TOGETHER = {
    "a node": ("node/test_stories",),
    "a control plane for the chart": ("chart/test_install", "chart/test_forbidden", "chart/test_rights"),
    "a control plane": ("contract", "real_api", "runbooks", "testbed/test_control_plane"),
    "the image's tree": ("image",),
    "the sdist and the wheel": ("packaging",),
    "the replayed incidents": ("incidents/test_corpus",),
    "the explored states": ("interleaving/test_exhaustive",),
    "a worker that waits": ("demo/test_demo",),  # else all would wait first, and compute later
}


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Gives each worker one test at a time, or all tests that share something."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0].removeprefix("tests/")
        return next((what for what, paths in _TOGETHER.items() if place.startswith(paths)), nodeid)


def arrange(items: list[pytest.Item]) -> None:
    """Sort `items` in place."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    place = path.relative_to(TESTS).as_posix()
    return next((rank for rank, first in enumerate(_FIRST) if place.startswith(first)), len(_FIRST))
