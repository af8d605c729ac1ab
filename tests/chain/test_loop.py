"""From a hung BBS to a proven restart, with every part real; and an ordinary fail-over, in which nothing happens."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.chain import stage
from tests.chain.conftest import Play
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.chain
_LONGEST = 2 * HANG_GUARD  # seconds; it takes about 50
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def played(play: Play) -> Path:
    """The folder in which both stories have been played."""
    return play("loop", _LONGEST)


@pytest.fixture(scope="module")
def failover(request: pytest.FixtureRequest, played: Path) -> Facts:
    """What was seen of the fail-over."""
    return stage.facts(request, played, "failover")


@pytest.fixture(scope="module")
def hang(request: pytest.FixtureRequest, played: Path) -> Facts:
    """What was seen of the hang and of its cure."""
    return stage.facts(request, played, "hang")


@pytest.fixture(scope="module")
def status(hang: Facts) -> Any:
    """The status of the one remediation."""
    (record,) = hang["remediations"]
    return record["status"]


def test_in_a_failover_the_outage_is_seen_but_no_alert_fires(failover: Facts) -> None:
    assert failover["pending_samples"] > 0
    assert failover["firing_samples"] is None


def test_in_a_failover_no_remediation_is_opened_and_no_pod_is_deleted(failover: Facts) -> None:
    assert failover["remediations"] == []
    assert failover["deletions"] == {}
    assert failover["after"] == failover["before"]


def test_the_alert_of_a_hang_reaches_alertmanager_and_opens_one_remediation_that_names_it(hang: Facts) -> None:
    (alert,) = hang["fired"]
    (record,) = hang["remediations"]
    assert record["metadata"]["name"] == "diego-api-r1"
    assert record["spec"]["alertname"] == "StagerUnavailable"
    assert record["spec"]["environment"] == alert["labels"]["environment"]
    assert record["spec"]["fingerprint"] == alert["fingerprint"]


def test_the_plan_names_both_hung_pods_and_nothing_else(hang: Facts, status: Any) -> None:
    (step,) = status["plan"]["steps"]
    assert status["plan"]["diagnosis"] == "no_active_bbs"
    assert {pod["name"]: pod["uid"] for pod in step["pods"]} == hang["before"]


def test_the_api_server_had_the_plan_before_the_first_deletion(hang: Facts) -> None:
    ((version, _),) = hang["plans"]
    assert version < min(hang["deletions"].values())


def test_the_planned_pods_were_deleted_and_no_others(hang: Facts) -> None:
    assert set(hang["deletions"]) == set(hang["before"].values())


def test_each_pod_came_back_once_under_its_name_with_a_new_uid(hang: Facts) -> None:
    assert hang["after"].keys() == hang["before"].keys()
    ever = [uid for uid, name in hang["names"].items() if name in hang["before"]]
    assert sorted(ever) == sorted([*hang["before"].values(), *hang["after"].values()])
    assert len(ever) == 4


def test_the_remediation_went_through_every_phase_to_recovered(hang: Facts, status: Any) -> None:
    # Watching is seen only where the proof was not complete when the remediation was opened.
    assert [phase for phase in hang["phases"] if phase != "Watching"] == ["", "Restarting", "Verifying", "Recovered"]
    # The story has a line of its own where the first closed gate changed.
    phases = [phase for phase, _ in groupby(line["phase"] for line in status["transitions"])]
    assert [phase for phase in phases if phase != "Watching"] == ["Restarting", "Verifying", "Recovered"]
    assert {each["uid"] for each in status["deletions"]} == set(hang["before"].values())
    assert hang["serves"]


def test_alertmanager_called_twice_to_open_the_remediation_and_to_say_that_it_is_over(hang: Facts) -> None:
    counted = r'^stagekeeper_webhook_(?:requests|alerts)_total\{\w+="(\w+)"\} ([1-9]\S*)$'
    found = dict(re.findall(counted, hang["webhook"], re.MULTILINE))
    assert found == {"200": "2.0", "opened": "1.0", "looked": "1.0"}
    failed = (
        r'^alertmanager_notifications_failed_total\{.*integration="webhook".*\} (\S+)$'  # from 0.26 for each reason
    )
    assert set(re.findall(failed, hang["notifications"], re.MULTILINE)) == {"0"}


def test_each_transition_is_an_event_on_the_remediation_and_each_deletion_on_the_pod(hang: Facts) -> None:
    events = [each for each in hang["events"] if each["reportingComponent"] == "stagekeeper.dev/remediator"]
    events.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    about = [(each["involvedObject"]["kind"], each["involvedObject"]["name"], each["reason"]) for each in events]
    record = ("Remediation", "diego-api-r1")
    assert [each for each in about if each[:2] == record] == [
        (*record, reason) for reason in ("AlertFired", "GatesOpen", "PodsDeleted", "Serving")
    ]
    assert sorted(each for each in about if each[0] == "Pod") == [
        ("Pod", "diego-api-0", "Restarted"),
        ("Pod", "diego-api-1", "Restarted"),
    ]


def test_kubectl_shows_the_remediation_in_a_line(hang: Facts) -> None:
    heading, line = hang["kubectl"].splitlines()
    assert heading.split() == ["NAME", "CAUSE", "PHASE", "DELETED", "TOOK", "AGE"]
    assert line.split()[:4] == ["diego-api-r1", "no_active_bbs", "Recovered", "2/2"]


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("spec", "spec is immutable; open another remediation instead"),
        ("plan", "the plan is written once"),
        ("no plan", "the plan is written once"),
        ("phase", "a remediation that has ended stays ended; open another one instead"),
    ],
)
def test_the_api_server_refuses_even_an_admin_who_rewrites(hang: Facts, what: str, sentence: str) -> None:
    assert sentence in hang["refusals"][what]
    assert "is invalid" in hang["refusals"][what]


def test_the_rights_that_the_chart_gives_to_both_service_accounts_were_enough(hang: Facts, played: Path) -> None:
    for name in ("exporter", "remediator"):
        assert "forbidden" not in (played / f"{name}.log").read_text().lower()
    failures = re.findall(r"^stagekeeper_kubernetes_failures_total\{.*\} (\S+)$", hang["webhook"], re.MULTILINE)
    assert [each for each in failures if float(each)] == []
