"""What the tests ask of the rules: all alerts, all records, and what our programs expose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from alerts.runbooks.pages import RULE_FILES

ROOT = Path(__file__).resolve().parents[2]
ALERTS_FOLDER = ROOT / "alerts"
OF_PROMETHEUS = {
    "up": frozenset({"job", "instance", "cluster"}),
    "ALERTS": frozenset({"alertname", "alertstate", "environment", "cluster"}),
}
TARGET_LABELS = frozenset({"job", "instance", "cluster"})
"""What Prometheus adds to every series; `cluster` where it rules over several."""
HISTOGRAMS = frozenset(
    {
        "bbs_probe_round_trip_seconds",
        "stagekeeper_webhook_request_duration_seconds",
        "stagekeeper_remediation_duration_seconds",
    }
)
Labels = frozenset[str]
_IN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule; times in seconds."""

    name: str
    expression: str
    severity: str
    annotations: Mapping[str, str]
    wait: int
    keep: int

    @property
    def description(self) -> str:
        """The template of what people read second."""
        return self.annotations["description"]


def seconds(duration: str) -> int:
    """A duration of one number and one unit, as Prometheus writes it."""
    return int(duration[:-1]) * _IN_SECONDS[duration[-1]]


def _rules() -> tuple[Record | Alert, ...]:
    documents = [yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in RULE_FILES]
    rules = [rule for document in documents for group in document["groups"] for rule in group["rules"]]
    return tuple(
        Alert(
            rule["alert"],
            rule["expr"],
            rule["labels"]["severity"],
            rule["annotations"],
            seconds(rule.get("for", "0s")),
            seconds(rule.get("keep_firing_for", "0s")),
        )
        if "alert" in rule
        else Record(rule["record"], rule["expr"])
        for rule in rules
    )


RULES = _rules()
ALERTS = tuple(rule for rule in RULES if isinstance(rule, Alert))
RECORDS = tuple(rule for rule in RULES if isinstance(rule, Record))
BY_NAME = {rule.name: rule for rule in ALERTS}


def ranges(rule: Alert | Record) -> list[int]:
    """The ranges of a rule's expression, in seconds."""
    return [seconds(each) for each in re.findall(r"\[(\d+[smhd])\]", rule.expression)]


def listed(*parts: str) -> dict[str, Labels]:
    """Each family of these parts of exposed.yaml, with its own labels; a histogram by its base name."""
    parts_of_file: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (Path(__file__).parent / "exposed.yaml").read_text()
    )
    return {name: frozenset(labels) for part in parts for name, labels in parts_of_file[part].items()}


def exposed() -> dict[str, Labels]:
    """Each metric's name as Prometheus has it, with its labels and those of its target."""
    found = dict(OF_PROMETHEUS)
    for name, own in listed("exporter", "both", "remediator").items():
        labels = own | TARGET_LABELS
        if name in HISTOGRAMS:
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    return found
