"""The committed dashboards, read once for all tests."""

import json
from typing import Any

from dashboards.__main__ import FOLDERS
from tests.alerts.catalogue import ROOT

PATHS = sorted((ROOT / FOLDERS[0]).glob("*.json"))
NAMES = tuple(path.stem for path in PATHS)


def committed(name: str) -> dict[str, Any]:
    """A fresh copy of a committed dashboard."""
    board: dict[str, Any] = json.loads((ROOT / FOLDERS[0] / f"{name}.json").read_text(encoding="utf-8"))
    return board
