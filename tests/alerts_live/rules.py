"""The usual rules with waits so much shorter that every alert fires and resolves within a minute."""

from typing import Any

import yaml

from alerts.runbooks.pages import ROOT
from simulator.demo.configuration import faster

FASTER = 40
SHORTEST_WINDOW = 6
"""Seconds; scrapes are 2.5 s apart."""
WAITS = {
    "StagekeeperPaused": 4,  # 4 hours otherwise
    "StagekeeperObservesOnly": 6,  # 3 days otherwise
    "StagerReadinessShort": 6,  # 15 minutes otherwise, as the next two
    "StagekeeperCannotJudge": 6,
    "StagekeeperInstanceDown": 6,
    "StagekeeperBlind": 4,  # 5 minutes otherwise, as the next three
    "StagekeeperKubernetesUnreadable": 4,
    "StagekeeperConfigReloadFailed": 4,
    "StagekeeperAlertmanagerUnreachable": 4,
}
"""Seconds, where a fortieth is too long or too short to be seen."""
WINDOWS = {
    "environment:bbs_probe_round_trip_seconds:p90": ("[5m]", "[15s]"),
    "StagerMostlyUnavailable": ("[15m]", "[40s]"),
    "StagekeeperExporterDown": ("[1d]", "[90s]"),
    "StagekeeperDown": ("[1d]", "[90s]"),
    "StagekeeperNotCalled": ("[75m]", "[12s]"),
    "StagekeeperUnknownEnvironment": ("[90m]", "[12s]"),
}
"""What becomes of a range by another factor: it has to hold some scrapes, and to be over soon."""


def rules() -> dict[str, Any]:
    """The rule file, shortened."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "alerts/stagekeeper.rules.yaml").read_text(encoding="utf-8"))
    for rule in _rules(document):
        if (name := rule.get("alert", rule.get("record"))) in WINDOWS:
            usual, quick = WINDOWS[name]
            assert usual in rule["expr"]
            rule["expr"] = rule["expr"].replace(usual, f"[{int(quick[1:-2]) * FASTER}s]")
    document = faster(document, FASTER, SHORTEST_WINDOW)
    for rule in _rules(document):
        if rule.get("alert") in WAITS:
            rule["for"] = f"{WAITS[rule['alert']]}s"
    return document


def alerts() -> set[str]:
    """The name of every alert."""
    return {rule["alert"] for rule in _rules(rules()) if "alert" in rule}


def _rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"]]
