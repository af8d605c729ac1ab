"""The committed dashboards are what the generator makes, and nothing is wrong with them."""

from collections.abc import Callable
from typing import Any

import pytest

from alerts.model import OWN_BOARD, STAGER_BOARD
from dashboards.__main__ import files
from dashboards.words import FAILURE_COLORS, GATE_ANSWERS, PHASE_COLORS
from exporter.tally import FAILURES
from remediator.answers import Word
from remediator.episode import Phase
from tests.alerts.catalogue import ROOT
from tests.dashboards.boards import NAMES, committed
from tests.dashboards.checks import problems

GENERATED = files()


@pytest.mark.parametrize("path", sorted(GENERATED))
def test_a_committed_dashboard_equals_the_generated_one(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path], f"{path} is stale: run `python -m dashboards`"


def test_there_is_a_dashboard_for_each_uid_that_alerts_link_to() -> None:
    assert {committed(name)["uid"] for name in NAMES} == {STAGER_BOARD, OWN_BOARD}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_a_dashboard(name: str) -> None:
    assert problems(committed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_panels_ask_the_same(name: str) -> None:
    titles = [panel["title"] for panel in committed(name)["panels"]]
    assert len(set(titles)) == len(titles)


def test_every_reason_and_phase_and_answer_has_its_colour() -> None:
    assert set(FAILURE_COLORS) == {reply.value for reply in FAILURES}
    assert {phase.value for phase in Phase if phase.open} < set(PHASE_COLORS)
    assert set(GATE_ANSWERS) == {word.value for word in Word}


Panel = dict[str, Any]
Mutation = tuple[str, Callable[[Panel], object], str]


def rename_metric(panel: Panel) -> None:
    panel["targets"][0]["expr"] = panel["targets"][0]["expr"].replace("bbs_reachable", "bbs_reachible")


def rename_label(panel: Panel) -> None:
    panel["targets"][0]["expr"] = panel["targets"][0]["expr"].replace("environment=", "env=")


MUTATIONS: tuple[Mutation, ...] = (
    ("a renamed metric", rename_metric, "nobody exposes environment:bbs_reachible:max"),
    ("a renamed label", rename_label, "has no label env"),
    ("a legend of a label that is not there", lambda p: p["targets"][0].update(legendFormat="{{pad}}"), "label pad"),
    ("an unknown variable", lambda p: p["targets"][0].update(expr="up{job=~'$cluster'}"), "$cluster is not defined"),
    ("a lost grouping label", lambda p: p["targets"][0].update(expr="sum by (pod) (up)"), "has the label pod"),
    ("an overlapping panel", lambda p: p["gridPos"].update(w=6), "overlap"),
    ("a panel beyond the edge", lambda p: p["gridPos"].update(x=22), "not on the grid"),
    ("an id given twice", lambda p: p.update(id=3), "the id 3 is given 2 times"),
    ("a dead runbook link", lambda p: p["links"][0].update(url=p["links"][0]["url"][:-4]), "leads nowhere"),
    ("a link to somewhere else", lambda p: p["links"][0].update(url="https://example.com"), "leads away"),
    ("no runbook", lambda p: p.update(links=[]), "no runbook"),
    ("a title that asks nothing", lambda p: p.update(title="Reachable"), "asks nothing"),
    ("no description", lambda p: p.update(description=""), "no description"),
    ("no unit", lambda p: p["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    ("no word for the unknown", lambda p: p["fieldConfig"]["defaults"].pop("noValue"), "no noValue"),
    ("no thresholds", lambda p: p["fieldConfig"]["defaults"]["thresholds"].update(steps=[]), "lower end"),
    ("a fixed data source", lambda p: p["datasource"].update(uid="prometheus"), "data source is fixed"),
)


@pytest.mark.parametrize(("name", "mutate", "said"), MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS])
def test_the_checks_notice(name: str, mutate: Callable[[Panel], object], said: str) -> None:
    board = committed("cf-stager")
    mutate(next(panel for panel in board["panels"] if panel["title"] == "Does the BBS answer?"))
    assert any(said in each for each in problems(board)), f"{name} was not noticed: {problems(board)}"


def test_the_checks_notice_a_column_that_no_result_has() -> None:
    board = committed("cf-stager")
    table = next(panel for panel in board["panels"] if panel["title"] == "What holds a restart back?")
    table["transformations"][1]["options"]["renameByName"]["reason"] = "Reason"
    assert problems(board) == ["What holds a restart back?: the label reason is in no result"]


def test_the_checks_notice_another_uid() -> None:
    assert problems(committed("cf-stager") | {"uid": "another"}) == ["no alert links to the uid another"]
