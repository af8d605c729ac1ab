"""What the remediator says of itself from its first moment on."""

import pytest
from prometheus_client import CollectorRegistry

from exporter.metrics import SERIES
from remediator.alertmanager import Receivers
from remediator.metrics import DELETIONS, TRANSITIONS, ReconcilerCollector
from remediator.policy import Mode
from remediator.remediation import Reason
from remediator.webhook import Webhook
from stagekeeper.kube.errors import REASONS
from tests.remediator.receiving import Environment


@pytest.fixture
def reconcilers() -> dict[str, Environment]:
    return {name: Environment() for name in ("prod", "test")}


@pytest.fixture
def registry(reconcilers: dict[str, Environment]) -> CollectorRegistry:
    made = CollectorRegistry()
    ReconcilerCollector(
        made, Mode.ACT, reconcilers, Webhook("StagerUnavailable", reconcilers, lambda: False, Receivers("stagekeeper"))
    )
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


def test_the_scrape_that_first_tells_of_a_recovery_has_its_duration_too(
    registry: CollectorRegistry, reconcilers: dict[str, Environment]
) -> None:
    reconcilers["prod"].state.durations.append(("recovered", 240))
    labels = {"environment": "prod", "until": "recovered"}
    assert registry.get_sample_value("stagekeeper_remediation_duration_seconds_sum", labels) == 240


def test_every_reason_but_that_of_the_beginning_is_a_transition() -> None:
    assert {reason for _, reason in TRANSITIONS} == set(Reason) - {Reason.ALERT, Reason.PERSON}


def test_a_name_that_the_exporter_has_too_means_the_same_there(registry: CollectorRegistry) -> None:
    theirs = {each.name: each.about for each in SERIES}
    ours = {each.name + ("_total" if each.type == "counter" else ""): each.documentation for each in registry.collect()}
    shared = ours.keys() & theirs.keys()
    assert len(shared) == 5
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


def test_a_process_has_few_series(registry: CollectorRegistry) -> None:
    samples = [each for family in registry.collect() for each in family.samples if not each.name.endswith("_created")]
    assert sum(each.labels.get("environment") == "prod" for each in samples) < 100
