"""Every incident is judged right: by the pure judgement at its moments, and by the whole story that follows."""

import re
from collections import Counter

import pytest

from incidents.outcome import differences
from remediator.remediation import Phase
from tests.incidents.corpus import NAMES, incident, replayed

KINDS = 24
"""Kinds of wrong judgement that were once found; the files of one kind begin with the same letter and number."""
LISTED = {*map(str, range(1, 32)), "15b"}


@pytest.mark.parametrize("name", NAMES)
def test_each_observation_is_diagnosed_and_each_gate_answers_as_expected(name: str) -> None:
    expect = incident(name).expect
    only_moments = expect.model_construct(diagnosis=expect.diagnosis, gates=expect.gates)
    assert differences(only_moments, replayed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_story_ends_as_expected(name: str) -> None:
    assert differences(incident(name).expect, replayed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_pod_is_deleted_twice_and_none_that_is_not_planned(name: str) -> None:
    for remediation in replayed(name).remediations:
        planned = {pod.uid for step in remediation.plan.steps for pod in step.pods} if remediation.plan else set()
        noted = Counter(each.uid for each in remediation.deletions)
        assert set(noted) <= planned
        assert max(noted.values(), default=1) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_what_must_come_of_it(name: str) -> None:
    said = incident(name).expect.model_fields_set
    assert {"decision", "deletions"} <= said
    assert said & {"phase", "remediations"}


def test_the_listed_incidents_are_all_there_and_more() -> None:
    numbers = {match[1] for name in NAMES if (match := re.match(r"0*(\d+[a-z]?)-", name))}
    assert {number for number in LISTED if number not in numbers and f"{number}a" not in numbers} == set()
    assert len(NAMES) >= 60


def test_each_kind_of_incident_that_was_found_has_at_least_three_more() -> None:
    kinds = Counter(match[1] for name in NAMES if (match := re.match(r"(r\d\d)[a-z]-", name)))
    assert len(kinds) >= KINDS
    assert min(kinds.values()) >= 3


def test_every_phase_that_can_end_a_remediation_ends_one_of_them() -> None:
    phases = {remediation.phase for name in NAMES for remediation in replayed(name).remediations}
    assert {phase for phase in Phase if not phase.open} - phases == set()


def test_titles_are_unique() -> None:
    titles = Counter(incident(name).title for name in NAMES)
    assert max(titles.values()) == 1
