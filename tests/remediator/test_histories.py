"""For any sequence of observations: what a DELETE rests on, that somebody hears of it, and that what is said is so."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator import decision, escalating, overriding, reconciler, restarting, watching
from remediator.reconciler import Reconciler
from tests.interleaving.mutation import Edit
from tests.remediator.histories import APPROVES, EVENTS, Step, play

STEPS = st.builds(
    Step,
    event=st.sampled_from(sorted(EVENTS)),
    pod=st.integers(0, 1),
    times=st.sampled_from([1, 1, 1, 2, 4]),
    gap=st.sampled_from([5.0, 5.0, 15.0, 29.0, 31.0, 130.0, 1000.0, 4000.0]),
)
BEGINNINGS = [
    *([Step(times=times)] for times in (0, 3, 8, 9, 10)),
    *([Step(event), Step(APPROVES, times=9)] for event in ("a pod answers 503", "a pod does not answer as a BBS does")),
]
"""So that plans are written in many of them."""
HISTORIES = st.tuples(st.sampled_from(BEGINNINGS), st.lists(STEPS, max_size=8)).map(
    lambda parts: [*parts[0], *parts[1]]
)
PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)


def judge(steps: Sequence[Step], *, locket: bool) -> None:
    assert play(steps, locket=locket).wrong == []


@settings(PROPERTY, max_examples=300)
@given(steps=HISTORIES, locket=st.booleans())
def test_whatever_is_observed_deletes_rest_on_it_somebody_hears_of_it_and_what_is_said_is_so(
    steps: list[Step],
    locket: bool,  # noqa: FBT001 -- Hypothesis names it
) -> None:
    judge(steps, locket=locket)


@pytest.mark.deep
@pytest.mark.parametrize("locket", [False, True])
@settings(PROPERTY, max_examples=5_000)
@given(steps=HISTORIES)
def test_the_same_for_ten_thousand_histories(
    locket: bool,  # noqa: FBT001 -- pytest names it
    steps: list[Step],
) -> None:
    judge(steps, locket=locket)


# The judge can tell


DATABASE_GOES = Step("the database goes down, or comes back"), Step("deletes are accepted")
REFUSED_AT_FIRST, ACCEPTED = Step("deletes are refused", times=9), Step("deletes are accepted")
PAUSED, BLIND = Step("somebody pauses, or resumes", times=3), Step("observations become blind, or see again", gap=3600)


def test_a_history_in_which_nothing_else_happens_deletes_both_pods() -> None:
    assert play([Step(times=10)]).deletes == 2
    for beginning in BEGINNINGS[-2:]:
        assert play([*beginning, Step(times=3)]).deletes == 2


@pytest.mark.parametrize(
    ("edit", "steps", "complaint"),
    [
        pytest.param(
            Edit(restarting, "_answers", "gates.by_the_table(excused)", 'gates.passes("")'),
            [REFUSED_AT_FIRST, Step("the database goes down, or comes back"), ACCEPTED],
            "database_down",
            id="the table is not asked before a delete",
        ),
        pytest.param(
            Edit(overriding, "hindering", "not overridden(given) and found not in PERSONS_CHOICE", "True"),
            [Step("a pod answers 503", times=9), Step("deletes are refused"), Step(APPROVES, times=3), *DATABASE_GOES],
            "database_down",
            id="what else forbids a restart is not asked of an accepted one",
        ),
        pytest.param(
            Edit(reconciler, "_approved", "or str(found) == latest.approved_by", ""),
            [*BEGINNINGS[-1], Step("the pods end"), Step("a pod does not answer as a BBS does", times=140)],
            "were planned by 1 approvals",
            id="an approval has an effect twice",
        ),
        pytest.param(
            Edit(watching, "watch", "None if given.assessment.blind else", "", also=(decision,)),
            [PAUSED, BLIND, Step()],
            "A blind observation ended it",
            id="a deadline is judged by a blind observation",
        ),
        pytest.param(
            Edit(Reconciler, "_time_open", "seconds >= self.policy", "seconds < 0 * self.policy"),
            [replace(BLIND, times=3)],
            "nobody was told",
            id="our own clock bounds nothing",
        ),
        pytest.param(
            Edit(escalating, "what_was_done", "names(remediation.left)", "names(remediation.deleted)"),
            [REFUSED_AT_FIRST, Step(times=9, gap=29)],
            "Deleted were none, not deleted diego-api-0, diego-api-1",
            id="what was not deleted is told wrongly",
        ),
    ],
)
def test_the_judge_finds_a_careless_edit(
    edit: Edit, steps: Sequence[Step], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit.make(monkeypatch)
    assert any(complaint in each for each in play(steps).wrong)
