"""One line for a change of state, none for an observation."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.assessment import JudgedObservation
from exporter.history import tell
from stagekeeper.diego.observation import Probe, Reply, Unknown
from tests.exporter.builders import UNIX, assessment, hung, serving

UNREAD = Unknown("forbidden: no Role", "forbidden")


def lines(*observations: JudgedObservation) -> list[MutableMapping[str, Any]]:
    before: JudgedObservation | None = None
    with capture_logs() as written:
        for now in observations:
            tell(before, now)
            before = now
    return written


def test_the_first_observation_is_told() -> None:
    (line,) = lines(assessment())
    assert line == {
        "event": "The state has changed.",
        "log_level": "info",
        "environment": "cf",
        "diagnosis": "serving",
        "before": "none",
        "reachable": True,
        "kubernetes": "up",
        "reason": "diego-api-0 is the active BBS and the Service routes to it.",
    }


def test_a_hundred_observations_in_the_same_state_are_one_line() -> None:
    assert len(lines(*(assessment(at=UNIX + second) for second in range(100)))) == 1


def test_the_loss_of_service_is_a_warning_with_the_diagnosis_own_sentence() -> None:
    _, line = lines(assessment(), assessment(hung()))
    assert line["reason"] == assessment(hung()).diagnosis.why
    assert (line["log_level"], line["before"], line["diagnosis"]) == ("warning", "serving", "no_active_bbs")


@pytest.mark.parametrize("seen", [serving(), serving(pods=(), workloads=(), service=Probe(Reply.DNS))])
def test_the_return_of_service_is_no_warning_nor_that_there_is_no_diego(seen: Any) -> None:
    *_, line = lines(assessment(hung()), assessment(seen))
    assert line["log_level"] == "info"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (serving(), serving(workloads=UNREAD), {"kubernetes": "forbidden"}),
        (serving(workloads=UNREAD), serving(workloads=Unknown("No answer.", "timeout")), {"kubernetes": "timeout"}),
        (serving(pods=UNREAD), serving(pods=UNREAD, service=Probe(Reply.DNS)), {"reachable": False}),
        (serving(pods=UNREAD), serving(pods=UNREAD, service=UNREAD), {"reachable": "unknown"}),
    ],
)
def test_each_part_of_the_state_is_told_when_it_changes(before: Any, after: Any, changed: dict[str, Any]) -> None:
    _, line = lines(assessment(before), assessment(after))
    assert {key: line[key] for key in changed} == changed
