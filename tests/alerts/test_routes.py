"""Who hears of which alert: Alertmanager's example and the object of the Prometheus Operator, asked with amtool."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.runbooks.pages import book
from tests.alerts.catalogue import ALERTS, ALERTS_FOLDER, Alert
from tests.testbed.patience import HANG_GUARD

Program = Callable[[str], Path]
EXAMPLE = ALERTS_FOLDER / "alertmanager.example.yaml"
OPERATORS = ALERTS_FOLDER / "alertmanagerconfig.yaml"
NEVER_INHIBITED = {"StagekeeperDown", "StagekeeperExporterDown", "StagekeeperEscalated"}


def amtool(program: Program, *arguments: str | Path) -> str:
    command = [program("amtool"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def receivers(program: Program, config: Path, labels: Mapping[str, str]) -> set[str]:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    return set(amtool(program, "config", "routes", "test", "--config.file", config, *pairs).strip().split(","))


def expected_receivers(alert: Alert) -> set[str]:
    person = "pager" if alert.severity == "critical" else "tickets"
    return {"stagekeeper", person} if alert.name == "StagerUnavailable" else {person}


def inhibitions() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"]
    return rules


def names(matchers: list[str]) -> set[str]:
    """The alerts of ours that the first of some matchers, which is about `alertname`, names."""
    _, _, value = matchers[0].partition('"')
    return set(value.removesuffix('"').split("|"))


@pytest.mark.programs
def test_amtool_accepts_the_example(monitoring: Program) -> None:
    amtool(monitoring, "check-config", EXAMPLE)


@pytest.mark.programs
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_reaches_the_receivers_it_should(monitoring: Program, alert: Alert) -> None:
    labels = {"alertname": alert.name, "environment": "prod", "severity": alert.severity}
    assert receivers(monitoring, EXAMPLE, labels) == expected_receivers(alert)


@pytest.mark.programs
def test_an_alert_of_somebody_else_never_reaches_the_remediator(monitoring: Program) -> None:
    labels = {"alertname": "KubePodCrashLooping", "environment": "prod", "severity": "critical"}
    assert receivers(monitoring, EXAMPLE, labels) == {"pager"}


def test_every_inhibition_names_alerts_that_exist() -> None:
    known = {alert.name for alert in ALERTS} | {"CF:External-DatabaseNotResponding"}
    for rule in inhibitions():
        assert names(rule["source_matchers"]) | names(rule["target_matchers"]) <= known


def test_what_says_that_nobody_watches_or_acts_is_never_inhibited() -> None:
    assert all(not names(rule["target_matchers"]) & NEVER_INHIBITED for rule in inhibitions())


def test_the_operators_inhibitions_are_those_of_the_example_but_for_those_by_alerts_of_others() -> None:
    ours = [rule for rule in inhibitions() if names(rule["source_matchers"]) <= {alert.name for alert in ALERTS}]
    found = [
        {
            "source_matchers": [as_alertmanager_has_it(each) for each in rule["sourceMatch"]],
            "target_matchers": [as_alertmanager_has_it(each) for each in rule["targetMatch"]],
            "equal": rule["equal"],
        }
        for rule in yaml.safe_load(OPERATORS.read_text())["spec"]["inhibitRules"]
    ]
    assert found == ours


def test_an_inhibition_among_environments_stays_within_one() -> None:
    about_us = {"StagekeeperExporterDown", "StagekeeperDown"}
    for rule in inhibitions():
        assert "cluster" in rule["equal"]
        assert names(rule["source_matchers"]) <= about_us or "environment" in rule["equal"]


def test_the_remediator_is_called_soon_authenticated_and_told_of_the_end() -> None:
    config = yaml.safe_load(EXAMPLE.read_text())
    route = config["route"]["routes"][0]
    assert (route["receiver"], route["continue"], route["group_by"]) == (
        "stagekeeper",
        True,
        ["cluster", "environment"],
    )
    [webhook] = next(each["webhook_configs"] for each in config["receivers"] if each["name"] == "stagekeeper")
    assert webhook["url"].endswith(":9890/api/v1/alerts")
    assert webhook["send_resolved"] is True
    assert webhook["http_config"]["authorization"]["credentials_file"]


def as_alertmanager_has_it(matcher: Mapping[str, str]) -> str:
    return f'{matcher["name"]}{matcher["matchType"]}"{matcher["value"]}"'


def as_the_operator_writes_it(path: Path, *, matches_namespace: bool) -> dict[str, Any]:
    """Alertmanager's configuration from an AlertmanagerConfig; `matcherStrategy` decides about the namespace."""
    made = yaml.safe_load(path.read_text())
    namespace, name = made["metadata"]["namespace"], made["metadata"]["name"]
    route = made["spec"]["route"]
    matchers = [as_alertmanager_has_it(each) for each in route["matchers"]]
    own = [f'namespace="{namespace}"'] if matches_namespace else []
    receiver = f"{namespace}/{name}/{route['receiver']}"
    return {
        "route": {
            "receiver": "null",
            "routes": [{"receiver": receiver, "matchers": own + matchers, "continue": True}, {"receiver": "people"}],
        },
        "receivers": [{"name": each} for each in ("null", "people", receiver)],
    }


@pytest.mark.programs
@pytest.mark.parametrize(
    ("matches_namespace", "labels", "called"),
    [
        pytest.param(True, {}, False, id="the trap: our alerts have no namespace"),
        pytest.param(True, {"namespace": "stagekeeper"}, True, id="solved by a label on the rules"),
        pytest.param(False, {}, True, id="solved by matcherStrategy None"),
    ],
)
def test_the_operators_namespace_matcher(
    monitoring: Program, tmp_path: Path, *, matches_namespace: bool, labels: dict[str, str], called: bool
) -> None:
    config = tmp_path / "alertmanager.yaml"
    config.write_text(yaml.safe_dump(as_the_operator_writes_it(OPERATORS, matches_namespace=matches_namespace)))
    reached = receivers(monitoring, config, {"alertname": "StagerUnavailable", "environment": "prod"} | labels)
    assert reached == {"people"} | ({"stagekeeper/stagekeeper/stagekeeper"} if called else set())


@pytest.mark.programs
def test_the_runbooks_question_about_the_route_is_right_with_the_operator_and_without(
    monitoring: Program, tmp_path: Path
) -> None:
    command: str = book("en").commands["commands"]["route"]
    labels = dict(word.split("=") for word in command.split() if not word.startswith("--") and "=" in word)
    config = tmp_path / "alertmanager.yaml"
    config.write_text(yaml.safe_dump(as_the_operator_writes_it(OPERATORS, matches_namespace=True)))
    assert "stagekeeper/stagekeeper/stagekeeper" in receivers(monitoring, config, labels)
    assert "stagekeeper" in receivers(monitoring, EXAMPLE, labels)
