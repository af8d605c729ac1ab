"""What the remediator says of itself from its first moment on."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from remediator.metrics import DELETIONS, TRANSITIONS, Metrics
from remediator.policy import Mode
from remediator.remediation import Phase, Reason
from stagekeeper.kube.errors import REASONS

MOVED = re.compile(r"Phase\.([A-Z_]+), Reason\.([A-Z_]+)")
SOURCES = Path(__file__).parents[2] / "remediator"


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Metrics(made, Mode.ACT, ["prod", "test"])
    return made


@pytest.mark.parametrize("environment", ["prod", "test"])
def test_every_counter_of_an_environment_begins_at_0(registry: CollectorRegistry, environment: str) -> None:
    def begun(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"environment": environment, **labels})

    for phase, reason in TRANSITIONS:
        assert begun("stagekeeper_remediations_total", phase=phase.value, reason=reason.value) == 0
    for result in DELETIONS:
        assert begun("stagekeeper_deletions_total", result=result) == 0
    for trouble in REASONS:
        assert begun("stagekeeper_kubernetes_failures_total", reason=trouble) == 0
    assert begun("stagekeeper_observations_total") == 0


def test_no_transition_is_missing_from_the_list_and_none_is_made_up() -> None:
    """The list stands beside the code that moves remediations; this reads that code."""
    code = "".join(path.read_text() for path in SOURCES.glob("*.py") if path.name != "metrics.py")
    assert {(Phase[phase], Reason[reason]) for phase, reason in MOVED.findall(code)} == set(TRANSITIONS)


def test_a_process_has_few_series(registry: CollectorRegistry) -> None:
    samples = [each for family in registry.collect() for each in family.samples if not each.name.endswith("_created")]
    assert sum(each.labels.get("environment") == "prod" for each in samples) < 100
