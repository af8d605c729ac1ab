"""Every panel answers: its expressions return data from a real Prometheus that scrapes the real programs."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dashboards.field_config import UNKNOWN
from tests.alerts.catalogue import ROOT, exposed
from tests.alerts.promql import uses
from tests.dashboards.ask import Asked, Panel, Prometheus, Series, Window, panels
from tests.dashboards.boards import NAMES, committed
from tests.dashboards.stage import Moments, stage
from tests.runbooks.pages import QUERIES

pytestmark = pytest.mark.programs
Answers = Mapping[str, list[Series]]
"""The answers of one panel before the fault, in the outage and after it."""
EMPTY_IN_HEALTH = {
    'stagekeeper_gate{environment="prod", answer!="pass"} == 1',
    'diego_api_pod_active{environment="prod"} != diego_api_pod_serving{environment="prod"}',
    'environment:bbs_unreachable:ratio_1h{environment="prod"}',
    'environment:bbs_unreachable:ratio_30d{environment="prod"}',
}
"""Queries of the runbooks that ask for trouble, or for the objective, whose rules are not loaded here."""
EXAMPLES = re.findall(r"^\| `\w+` \|.*\| `([^`]+)` \|$", (ROOT / "docs/exporter.md").read_text(), re.MULTILINE)
"""The last column of the exporter's metrics."""
CONDITION = re.compile(r"[<>=!]")
"""An example that asks for trouble; the others show a value."""
TRUE_AFTER_AN_OUTAGE = {"diego_bbs_diagnosis == 1", "increase(bbs_probe_failures_total[10m]) > 0"}
OF_PLATFORM = ("process_", "scrape_", "ALERTS")
"""What every process has, and what Prometheus says of its targets and of alerts that carry the label `job`."""


@dataclass(frozen=True, slots=True)
class Live:
    """One outage that has been played, and the Prometheus that saw it."""

    prometheus: Prometheus
    moments: Moments

    async def ask(self, panel: Panel) -> Answers:
        """The answers to a panel's queries, by state."""
        return {
            state: [series for query in panel.queries for series in await self.prometheus.ask(query, window)]
            for state, window in self._windows()
        }

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
        for panel in panels(committed(name)):
            told[panel.title] = found = await live.ask(panel)
            empty = [state for state, series in found.items() if not series]
            if empty and (panel.no_value == UNKNOWN or len(empty) == len(found)):
                wrong.append(f"{name}: {panel.title} has no data while {', '.join(empty)}")
    assert wrong == []
    assert words(told["Diagnosis"], "diagnosis") == ["serving", "no_active_bbs", "serving"]
    assert words(told["Remediator"], "phase") == ["none", "Watching", "none"]
    assert [series[0].last for series in told["BBS reachable"].values()] == [1, 0, 1]
    deleted = [series[0].last for series in told["Deleted pods"].values()]
    assert deleted == pytest.approx([0, 0, 2], rel=0.1), "increase() guesses what is before the first sample"
    done = {each.labels["phase"] for each in told["Transitions and their reasons"]["cured"]}
    assert done >= {"Restarting", "Verifying", "Recovered"}
    assert await unlisted(live.prometheus) == []
    assert await unanswered(live, QUERIES) == EMPTY_IN_HEALTH
    silent = await unanswered(live, EXAMPLES)
    assert [each for each in silent if not CONDITION.search(each)] == []
    assert silent.isdisjoint(TRUE_AFTER_AN_OUTAGE)
    subjects = {use.metric for example in EXAMPLES for use in uses(example)}
    assert len(subjects) > len(EXAMPLES) - 5
    assert await unanswered(live, subjects) == set()


async def unlisted(prometheus: Prometheus) -> list[str]:
    """Series of our programs that exposed.yaml does not list, or with other labels."""
    url, selector = f"{prometheus.url}/api/v1/series", {"match[]": '{job=~"stagekeeper-.+"}'}
    async with prometheus.session.get(url, params=selector) as response:
        found: list[dict[str, str]] = (await response.json())["data"]
    known = exposed()
    names: defaultdict[str, set[str]] = defaultdict(set)  # a label that is empty is none to Prometheus
    for each in found:
        names[each["__name__"]] |= each.keys() - {"__name__"}
    assert names.keys() >= {"bbs_reachable", "stagekeeper_remediations_total"}
    ours = (name for name in names if not name.startswith(OF_PLATFORM))
    # Here one Prometheus has one cluster, so nothing says which.
    return sorted(f"{name}{names[name]}" for name in ours if known.get(name, set()) - {"cluster"} != names[name])


async def unanswered(live: Live, queries: Iterable[str]) -> set[str]:
    """The queries that find nothing when all is well again, nor in the seconds before: a scrape may fail."""
    here = {query: query.replace('"prod"', f'"{live.prometheus.environment}"') for query in queries}
    window = live.moments.cured()
    left = set(here)
    for earlier in range(4):
        moment = replace(window, end=window.end - earlier)
        for query in sorted(left):
            if await live.prometheus.ask(Asked(here[query], "__auto", instant=True), moment):
                left.discard(query)
    return left


def words(found: Answers, label: str) -> list[str]:
    return [series[0].labels[label] for series in found.values()]
