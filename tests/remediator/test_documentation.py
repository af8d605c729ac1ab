"""docs/remediator.md tells everything that a user can see, and nothing that is not there."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from remediator.alertmanager import Receivers
from remediator.gates import GATES
from remediator.intake import Judgement
from remediator.metrics import ReconcilerCollector, WebMetrics
from remediator.policy import Mode
from remediator.remediation import Outcome, Phase, Reason
from remediator.settings import AlertmanagerSettings, RemediatorSettings
from remediator.webhook import Webhook
from stagekeeper.config.durations import parse
from stagekeeper.diego.conditions import OVERRIDABLE
from tests.remediator.receiving import Environment

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "remediator.md").read_text()
SAFETY = (DOCS / "decisions" / "0001-safety.md").read_text()


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Every leaf of the settings, spelled as a user writes it, with its default."""
    found: dict[str, object] = {}
    for name, info in model.model_fields.items():
        inner = info.annotation
        if name == "alertmanagers":
            found |= fields(AlertmanagerSettings, f"{prefix}{name}[].")
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= fields(inner, f"{prefix}{name}.")
        else:
            found[prefix + name] = None if info.is_required() else info.get_default(call_default_factory=True) or None
    return found


def table(heading: str) -> dict[str, list[str]]:
    """The rows below a heading, by what stands in backticks in their first cell."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {name: [cell.strip() for cell in row] for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def test_every_field_of_the_settings_is_listed_and_no_other() -> None:
    assert set(table("Configuration")) == set(fields(RemediatorSettings))


@pytest.mark.parametrize("name", sorted(fields(RemediatorSettings)))
def test_each_field_is_listed_with_its_default_and_a_reason(name: str) -> None:
    _, _, told, reason = table("Configuration")[name]
    default = fields(RemediatorSettings)[name]
    if isinstance(default, timedelta):
        assert parse(told) == default
    else:
        assert told in {None: ("none", "the system's", "false")}.get(default, (f"`{default}`", str(default)))  # type: ignore[call-overload]
    assert len(reason) > 4


def test_every_gate_is_told() -> None:
    assert [name for name in table("The gates") if name in dict(GATES)] == [name for name, _ in GATES]
    assert all(f"`{word}`" in TEXT for word in Outcome)


def test_every_phase_and_every_reason_is_told() -> None:
    assert set(table("From alert to recovery")) == {*Phase, *Reason}


def test_every_judgement_is_told() -> None:
    assert set(table("The webhook")) >= set(Judgement)


def test_every_diagnosis_that_can_be_accepted_is_told() -> None:
    assert all(f"`{name}`" in TEXT for name in OVERRIDABLE)


def test_every_metric_is_told_with_its_labels() -> None:
    registry = CollectorRegistry()
    made = WebMetrics(registry)
    reconcilers = {"cf": Environment()}
    collector = ReconcilerCollector(
        registry,
        Mode.OBSERVE,
        reconcilers,
        Webhook("StagerUnavailable", reconcilers, lambda: False, Receivers("stagekeeper")),
    )
    instruments = {
        each._name + ("_total" if each._type == "counter" else ""): ", ".join(each._labelnames)
        for each in (made.requests, made.duration, collector._took)
    }
    families = {
        family.name + ("_total" if family.type == "counter" else ""): ", ".join(cast("Any", family)._labelnames)
        for family in collector.collect()
    }
    assert {name: row[1] for name, row in table("Metrics").items()} == {**instruments, **families}


def test_times_are_given_as_the_policy_has_them() -> None:
    policy = RemediatorSettings.model_validate({"mode": "observe", "webhook": {"token_file": "/t"}}).as_policy()
    assert (policy.cooldown, policy.hold_off) == (timedelta(minutes=15), timedelta(minutes=10))
    assert "ended 15 minutes ago" in TEXT
    assert "less than 10 minutes ago" in TEXT


def test_the_safety_argument_points_to_tests_that_exist() -> None:
    named = re.findall(r"`(?:tests/\w+/)?(test_\w+\.py)(?:::(\w+))?`", SAFETY)
    assert len(named) > 8
    tests = {path.name: path.read_text() for path in (DOCS.parent / "tests").glob("[ir]*/test_*.py")}
    assert all(file in tests and f"def {name}" in tests[file] for file, name in named)


def test_the_links_lead_somewhere() -> None:
    for file in (DOCS / "remediator.md", DOCS / "decisions" / "0001-safety.md"):
        for target in re.findall(r"\]\(([^)#]+)", file.read_text()):
            assert (file.parent / target).exists(), target
