"""The committed dashboards, read once for all tests."""

import json
from typing import Any

from dashboards.__main__ import FOLDER

NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def committed(name: str) -> dict[str, Any]:
    """A fresh copy of a committed dashboard."""
    board: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return board
