"""The committed dashboards are what the generator makes, and nothing is wrong with them."""

from collections.abc import Callable
from typing import Any

import pytest

from dashboards.__main__ import FOLDER, files
from dashboards.boards import cf_stager, stagekeeper
from dashboards.field_config import BAD, GOOD, IDLE, WAIT, WARN
from dashboards.mappings import DIAGNOSIS_COLORS, FAILURE_COLORS, GATE_OUTCOMES, PHASE_COLORS
from dashboards.promql import CHECK_AGE, EXPIRES_SOON, EXPIRES_TODAY, LOOK_BACK, OBJECTIVE, SLOW, UNAVAILABLE
from exporter.counters import FAILURES
from remediator.remediation import Outcome, Phase
from stagekeeper.diego.diagnosis import RESTART, Condition, Restart
from tests.alerts.catalogue import ALERTS, BY_NAME, RECORDS, ranges
from tests.dashboards.boards import NAMES, committed
from tests.dashboards.checks import problems

GENERATED = files()


def test_every_dashboard_is_committed_once() -> None:
    assert {f"{name}.json" for name in NAMES} == set(GENERATED)


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_committed_dashboard_equals_the_generated_one(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == GENERATED[name], (
        f"{name} is stale: run `python -m dashboards`"
    )


def test_alerts_link_to_these_dashboards() -> None:
    assert {committed(name)["uid"] for name in NAMES} == {cf_stager.UID, stagekeeper.UID}
    assert {alert.annotations["dashboard"] for alert in ALERTS} == {cf_stager.UID, stagekeeper.UID}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_a_dashboard(name: str) -> None:
    assert problems(committed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_panels_have_one_title(name: str) -> None:
    titles = [panel["title"] for panel in committed(name)["panels"]]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_says_which_grafana_it_needs(name: str) -> None:
    board = committed(name)
    assert board["description"].endswith("Needs Grafana 10 or later.")
    assert board["__requires"] == [{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"}]


def test_the_limits_are_those_of_the_rules() -> None:
    assert BY_NAME["StagerUnavailable"].wait == UNAVAILABLE
    assert max(ranges(next(each for each in RECORDS if each.name == "environment:bbs_reachable:max"))) == LOOK_BACK
    for name, limit in (
        ("StagekeeperBlind", f"> {CHECK_AGE}\n"),
        ("StagerSlow", f"> {SLOW:g}"),
        ("StagerCertificateExpiresSoon", f"< {EXPIRES_SOON // 86400} * 86400"),
        ("StagerCertificateExpiresToday", f"< {EXPIRES_TODAY}"),
        ("StagerBudgetBurnsSlowly", f"> {1 - OBJECTIVE:.3f} "),
    ):
        assert limit in f"{BY_NAME[name].expression}\n", name


def test_every_reason_and_phase_and_outcome_has_its_colour() -> None:
    assert set(FAILURE_COLORS) == {reply.value for reply in FAILURES}
    assert {phase.value for phase in Phase if phase.open} < set(PHASE_COLORS)
    assert set(GATE_OUTCOMES) == {word.value for word in Outcome}


def test_a_diagnosis_has_the_colour_of_what_it_means_for_a_restart() -> None:
    colors = {Restart.CURES: BAD, Restart.NOT_YET: WAIT, Restart.NEVER: WARN}
    expected = {name.value: colors[RESTART[name]] for name in Condition}
    assert expected | {"serving": GOOD, "not_applicable": IDLE, "stuck_unavailable": BAD} == DIAGNOSIS_COLORS


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
    (
        "an unknown variable",
        lambda p: p["targets"][0].update(expr="up{job=~'$tenant'}"),
        "$tenant is not defined",
    ),
    ("a lost grouping label", lambda p: p["targets"][0].update(expr="sum by (pod) (up)"), "has the label pod"),
    (
        "a join that takes two clusters for one",
        lambda p: p["targets"][0].update(expr="up * on (job, instance) group_left () up"),
        "an instance of one address",
    ),
    ("an overlapping panel", lambda p: p["gridPos"].update(w=6), "overlap"),
    ("a panel beyond the edge", lambda p: p["gridPos"].update(x=22), "not on the grid"),
    ("an id given twice", lambda p: p.update(id=3), "the id 3 is given 2 times"),
    ("a dead runbook link", lambda p: p["links"][0].update(url=p["links"][0]["url"][:-4]), "leads nowhere"),
    ("a link to somewhere else", lambda p: p["links"][0].update(url="https://example.com"), "leads away"),
    ("no runbook", lambda p: p.update(links=[]), "no runbook"),
    ("a title that asks", lambda p: p.update(title="Is it reachable?"), "only a row asks"),
    ("a row that does not ask", lambda p: p.update(type="row", title="State"), "a row asks a question"),
    ("no description", lambda p: p.update(description=""), "no description"),
    ("no unit", lambda p: p["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    ("no word for the unknown", lambda p: p["fieldConfig"]["defaults"].pop("noValue"), "no noValue"),
    ("no thresholds", lambda p: p["fieldConfig"]["defaults"]["thresholds"].update(steps=[]), "lower end"),
    ("a fixed data source", lambda p: p["datasource"].update(uid="prometheus"), "data source is fixed"),
)


@pytest.mark.parametrize(("name", "mutate", "said"), MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS])
def test_the_checks_notice(name: str, mutate: Callable[[Panel], object], said: str) -> None:
    board = committed("cf-stager")
    mutate(next(panel for panel in board["panels"] if panel["title"] == "BBS reachable"))
    assert any(said in each for each in problems(board)), f"{name} was not noticed: {problems(board)}"


def test_the_checks_notice_a_column_that_no_result_has() -> None:
    board = committed("cf-stager")
    table = next(panel for panel in board["panels"] if panel["title"] == "Closed gates")
    table["transformations"][1]["options"]["renameByName"]["reason"] = "Reason"
    assert problems(board) == ["Closed gates: the label reason is in no result"]


def test_the_checks_notice_another_uid() -> None:
    assert problems(committed("cf-stager") | {"uid": "another"}) == ["no alert links to the uid another"]


def test_the_checks_notice_a_row_of_alerts_that_leads_to_no_runbook() -> None:
    board = committed("cf-stager")
    table = next(panel for panel in board["panels"] if panel["title"] == "Alerts and their runbooks")
    table["fieldConfig"]["overrides"][0]["properties"][0]["value"][0]["url"] = "https://example.com/${__value.raw}"
    found = problems(board)
    assert any("leads away" in each for each in found)
    assert "Alerts and their runbooks: there is no runbook to read on in" in found
