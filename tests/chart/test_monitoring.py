import json
from copy import deepcopy
from typing import Any

import pytest
import yaml

from scripts.cache import ROOT
from tests.chart.helm import FOLDER, Helm, Rendered

pytestmark = pytest.mark.programs

VALUES = {
    "remediator": {"mode": "observe"},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True, "objective": True, "dashboardUrl": "https://grafana.example/d"},
    "alertmanagerConfig": {"enabled": True},
    "dashboards": {"enabled": True},
}


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> Rendered:
    """All of it switched on."""
    return helm.template(values=VALUES)


def test_the_rules_are_those_of_the_repository_but_for_the_label_that_the_operators_route_needs(
    rendered: Rendered,
) -> None:
    sources = ("alerts/stagekeeper.rules.yaml", "alerts/objective.rules.yaml")
    expected = [group for source in sources for group in _read(source)["groups"]]
    found = deepcopy(rendered.one("PrometheusRule", "stagekeeper")["spec"]["groups"])
    alerts = [rule for group in found for rule in group["rules"] if "alert" in rule]
    assert {rule["labels"].pop("namespace") for rule in alerts} == {"stagekeeper"}
    boards = [rule["annotations"].pop("dashboard_url").removeprefix("https://grafana.example/d/") for rule in alerts]
    expected_alerts = [rule for group in expected for rule in group["rules"] if "alert" in rule]
    assert [board.partition("{{")[0] for board in boards] == [
        rule["annotations"].pop("dashboard") for rule in expected_alerts
    ]
    assert found == expected


def test_without_a_grafana_no_alert_links_to_one(helm: Helm) -> None:
    values = {**VALUES, "prometheusRule": {"enabled": True}}
    groups = helm.template(values=values).one("PrometheusRule", "stagekeeper")["spec"]["groups"]
    links = [rule["annotations"] for group in groups for rule in group["rules"] if "alert" in rule]
    assert {frozenset(each) for each in links} == {frozenset({"summary", "description", "runbook_url"})}


def test_the_status_page_leads_where_alerts_do(helm: Helm) -> None:
    links = {"dashboardUrl": "https://grafana.example/d", "runbookUrl": "https://wiki.example/r"}
    observe = {"remediator": {"mode": "observe"}}
    found = helm.template(values={**observe, "prometheusRule": links})
    assert found.at("config > remediator > links") == {
        "dashboards": "https://grafana.example/d",
        "runbooks": "https://wiki.example/r",
    }
    assert "links" not in helm.template(values=observe).at("config > remediator")


def test_a_command_in_an_alert_is_for_this_release(helm: Helm) -> None:
    values = {
        "fullnameOverride": "sk",
        "exporter": {"enabled": False},
        "remediator": {"mode": "observe"},
        "prometheusRule": {"enabled": True},
    }
    groups = helm.template(values=values).one("PrometheusRule", "sk")["spec"]["groups"]
    told = [rule["annotations"]["description"] for group in groups for rule in group["rules"] if "alert" in rule]
    commands = [each.partition("Next: ")[2] for each in told if "kubectl" in each]
    [command] = set(commands)
    inside = "kubectl -n stagekeeper exec deploy/sk-remediator -- "
    assert command == f"{inside}stagekeeper diagnose --environment {{{{ $labels.environment }}}}"


def test_without_the_remediator_nobody_misses_it(helm: Helm) -> None:
    values = {"remediator": {"enabled": False}, "prometheusRule": {"enabled": True}}
    groups = helm.template(values=values).one("PrometheusRule", "stagekeeper")["spec"]["groups"]
    assert [group["name"] for group in groups] == ["stagekeeper.stager", "stagekeeper.exporter", "stagekeeper.programs"]


def test_without_the_exporter_nobody_misses_it(helm: Helm) -> None:
    values = {"exporter": {"enabled": False}, "remediator": {"mode": "observe"}, "prometheusRule": {"enabled": True}}
    groups = helm.template(values=values).one("PrometheusRule", "stagekeeper")["spec"]["groups"]
    names = [group["name"] for group in groups]
    assert names == ["stagekeeper.stager", "stagekeeper.remediator", "stagekeeper.programs"]


def test_a_call_is_missed_for_the_alert_that_opens_remediations(helm: Helm) -> None:
    values = {"remediator": {"mode": "observe", "alertname": "Another"}, "prometheusRule": {"enabled": True}}
    groups = helm.template(values=values).one("PrometheusRule", "stagekeeper")["spec"]["groups"]
    rules = {rule.get("alert"): rule["expr"] for group in groups for rule in group["rules"]}
    assert 'ALERTS{alertname="Another"' in rules["StagekeeperNotCalled"]
    assert 'ALERTS{alertname="StagerUnavailable"' in rules["StagerUnavailable"]


def test_a_group_without_any_rule_is_left_out(helm: Helm) -> None:
    disabled = ["StagekeeperInstanceDown", "StagekeeperKubernetesUnreadable"]
    values = {**VALUES, "prometheusRule": {"enabled": True, "disabled": disabled}}
    groups = helm.template(values=values).one("PrometheusRule", "stagekeeper")["spec"]["groups"]
    assert "stagekeeper.programs" not in [group["name"] for group in groups]


def test_the_route_is_the_one_of_the_repository(rendered: Rendered) -> None:
    expected = _read("alerts/alertmanagerconfig.yaml")
    assert rendered.one("AlertmanagerConfig", "stagekeeper")["spec"] == expected["spec"]


def test_jobs_are_called_what_the_rules_select_by_whatever_the_release_is_called(helm: Helm) -> None:
    values = {**VALUES, "fullnameOverride": "another"}
    found = helm.template(values=values).of("ServiceMonitor")
    jobs = [each["spec"]["endpoints"][0]["relabelings"] for each in found]
    assert jobs == [
        [{"targetLabel": "job", "replacement": f"stagekeeper-{name}"}] for name in ("exporter", "remediator")
    ]
    assert all(each["spec"]["endpoints"][0]["honorLabels"] for each in found)


def test_the_bbs_pods_name_is_found_where_labels_are_not_honoured_and_the_users_own_come_after(helm: Helm) -> None:
    mine = {"action": "labeldrop", "regex": "exported_pod"}
    monitor = {"enabled": True, "endpoint": {"metricRelabelings": [mine]}}
    for each in helm.template(values={**VALUES, "serviceMonitor": monitor}).of("ServiceMonitor"):
        found = each["spec"]["endpoints"][0]["metricRelabelings"]
        assert found == [{"sourceLabels": ["exported_pod"], "regex": "(.+)", "targetLabel": "pod"}, mine]


def test_the_dashboards_are_those_of_the_repository(rendered: Rendered) -> None:
    files = sorted((FOLDER / "files" / "dashboards").glob("*.json"))
    boards = [each for each in rendered.of("ConfigMap") if "grafana_dashboard" in each["metadata"]["labels"]]
    assert [json.loads(text) for each in boards for text in each["data"].values()] == [
        json.loads(file.read_text()) for file in files
    ]


def _read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())
