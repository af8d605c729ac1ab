"""In which order the tests run, and which stay together in one worker.

What mostly waits (whole loops on real programs) begins first, so that it overlaps with what computes. Tests of a file
whose fixtures are expensive stay in one worker; all others go wherever there is room.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_FIRST = (
    "alerts_live",
    "chain",
    "dashboards",
    "demo",
    "image",
    "chart",
    "interleaving",
    "incidents",
    "real_api",
    "soak",
)
_TOGETHER = ("alerts_live", "chain", "chart", "dashboards", "image", "real_api")
_ALSO_TOGETHER = ("interleaving/test_exhaustive.py",)


def arrange(items: list[pytest.Item]) -> None:
    """Sort `items` in place, and mark those that belong together."""
    items.sort(key=lambda item: _rank(item.path))
    for item in items:
        place = item.path.relative_to(TESTS)
        if place.parts[0] in _TOGETHER or str(place) in _ALSO_TOGETHER:
            item.add_marker(pytest.mark.xdist_group(str(place)))


def _rank(path: Path) -> int:
    folder = path.relative_to(TESTS).parts[0]
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)
