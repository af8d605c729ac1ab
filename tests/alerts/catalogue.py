"""What the tests ask of the rules: all alerts, all records, and what our programs expose."""

from pathlib import Path

import yaml

from alerts.model import Record
from alerts.render import alerts, groups, optional_groups
from alerts.thresholds import Thresholds

ROOT = Path(__file__).resolve().parents[2]
ALERTS_FOLDER = ROOT / "alerts"
RULES = tuple(rule for group in (*groups(Thresholds()), *optional_groups(Thresholds())) for rule in group.rules)
ALERTS = alerts(Thresholds())
RECORDS = tuple(rule for rule in RULES if isinstance(rule, Record))
OF_PROMETHEUS = {"up": frozenset({"job", "instance"}), "ALERTS": frozenset({"alertname", "alertstate", "environment"})}
TARGET_LABELS = frozenset({"job", "instance"})
HISTOGRAMS = frozenset(
    {
        "bbs_probe_round_trip_seconds",
        "stagekeeper_webhook_request_duration_seconds",
        "stagekeeper_episode_duration_seconds",
    }
)
Labels = frozenset[str]


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
