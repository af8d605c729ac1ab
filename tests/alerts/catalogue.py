"""What the tests ask of the rules: all alerts, all records, and what our programs expose."""

from pathlib import Path
from typing import Any

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


def exposed() -> dict[str, frozenset[str]]:
    """Each metric's name as Prometheus has it, with its labels and those of its target."""
    listed: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "exposed.yaml").read_text())
    found = dict(OF_PROMETHEUS)
    for program in listed.values():
        for name, entry in program.items():
            labels = frozenset(entry if isinstance(entry, list) else entry["labels"]) | TARGET_LABELS
            if isinstance(entry, list):
                found[name] = labels
            else:
                found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return found
