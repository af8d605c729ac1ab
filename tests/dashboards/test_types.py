"""The dashboards fit Grafana's own types, and tsc notices where they would not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.boards import NAMES, committed
from tests.dashboards.typescript import refusals, types_folder

pytestmark = pytest.mark.programs
Board = dict[str, Any]


@pytest.fixture(scope="module")
def folder() -> Path:
    return types_folder()


def test_the_dashboards_fit_grafanas_types(folder: Path) -> None:
    assert refusals({name: committed(name) for name in NAMES}, folder) == []


def panel(board: Board, kind: str) -> Board:
    return next(each for each in board["panels"] if each["type"] == kind)


MUTATIONS: dict[str, Callable[[Board], object]] = {
    "a key that Grafana does not know": lambda b: panel(b, "stat").update(colour="red"),
    "an option that the panel does not have": lambda b: panel(b, "stat")["options"].update(sparkline=True),
    "a value that an option does not have": lambda b: panel(b, "stat")["options"].update(colorMode="loud"),
    "a place in words": lambda b: panel(b, "table")["gridPos"].update(x="left"),
    "a missing option": lambda b: panel(b, "state-timeline")["options"].pop("showValue"),
    "a style of another kind of panel": lambda b: panel(b, "timeseries")["fieldConfig"]["defaults"].update(style=1),
    "a panel of a kind that we have no types for": lambda b: panel(b, "table").update(type="piechart"),
}


def test_tsc_notices_every_mutation(folder: Path) -> None:
    boards = {f"mutation{number}": committed("cf-stager") for number in range(len(MUTATIONS))}
    for board, mutate in zip(boards.values(), MUTATIONS.values(), strict=True):
        mutate(board)
    said = refusals(boards, folder)
    for name, effect in zip(boards, MUTATIONS, strict=True):
        assert any(each.startswith(name) or f"/{name}.ts" in each for each in said), f"{effect} was not noticed"
