"""Every panel answers: its expressions return data from a real Prometheus that scrapes the real programs."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboards.face import UNKNOWN
from dashboards.preview.__main__ import answers, drawings
from dashboards.preview.ask import Prometheus, Series, Window
from dashboards.preview.stage import Moments, stage
from dashboards.preview.view import View, views
from tests.dashboards.boards import NAMES, committed

pytestmark = pytest.mark.programs
Answers = Mapping[str, list[Series]]
"""The answers of one panel before the fault, in the outage and after it."""


@dataclass(frozen=True, slots=True)
class Live:
    """One outage that has been played, and the Prometheus that saw it."""

    prometheus: Prometheus
    moments: Moments

    async def ask(self, view: View) -> Answers:
        """The answers to a panel's queries, by state."""
        return {state: [*await answers(view, self.prometheus, window)] for state, window in self._windows()}

    def _windows(self) -> list[tuple[str, Window]]:
        return [("healthy", self.moments.healthy()), ("sick", self.moments.sick()), ("cured", self.moments.cured())]


@pytest.fixture
async def live(tmp_path: Path, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    folders = {str(program(name).parent) for name in ("prometheus", "prometheus-alertmanager")}
    for folder in folders:
        monkeypatch.setenv("PATH", folder, prepend=":")
    async with stage(tmp_path) as running:
        yield Live(running.prometheus, await running.play())


async def test_every_panel_has_data_in_sickness_and_in_health(live: Live) -> None:
    """One test, since one outage serves them all. A panel that may be empty says so in words of its own."""
    wrong = []
    told: dict[str, Answers] = {}
    for name in NAMES:
        for view in views(committed(name)):
            told[view.title] = found = await live.ask(view)
            empty = [state for state, series in found.items() if not series]
            may_be_empty = view.kind == "row" or view.defaults["noValue"] != UNKNOWN
            if view.kind != "row" and empty and (not may_be_empty or len(empty) == len(found)):
                wrong.append(f"{name}: {view.title} has no data while {', '.join(empty)}")
    assert wrong == []
    assert words(told["What is wrong?"], "diagnosis") == ["serving", "no_active_bbs", "serving"]
    assert words(told["What is the remediator doing?"], "phase") == ["none", "Watching", "none"]
    assert [series[0].last for series in told["Does the BBS answer?"].values()] == [1, 0, 1]
    assert [series[0].last for series in told["How many pods were deleted?"].values()] == [0, 0, 2]
    done = {each.labels["phase"] for each in told["What was done, and why?"]["cured"]}
    assert done >= {"Restarting", "Verifying", "Recovered"}
    for drawing in (await drawings(live.prometheus, live.moments)).values():
        assert drawing.startswith("<svg")
        assert "no_active_bbs" in drawing or "Which versions run" in drawing


def words(found: Answers, label: str) -> list[str]:
    return [series[0].labels[label] for series in found.values()]
