"""The search is worth its time: each careless edit of the production code that safety rests on is found by it."""

import pytest

from remediator import decision, intake, plan, reconciler, record, restarting, watching
from remediator.reconciler import Reconciler
from remediator.streaks import Streaks
from stagekeeper.kube import workloads
from tests.interleaving.cluster import Broken, Cluster, fresh_record
from tests.interleaving.mutation import Edit
from tests.interleaving.scenarios import BLIND, ONE, PLANNED, SCENARIOS, ZERO, Scenario

_ALONE = ("worker",)
_SERVES = Scenario(budget=("a pod serves silently",))
_SERVES_ALONE = Scenario(jobs=_ALONE, budget=("a pod serves",))
_REPLACED_ALONE = Scenario(jobs=_ALONE, steps=5, budget=("a pod is replaced",))
_TWICE = 'await self.cluster.delete_pod(__import__("dataclasses").replace(pod, name="diego-api-1"))'
_FIRST = "await self.cluster.delete_pod(assessment.observation.known_pods[0].pod)"

MUTANTS: dict[str, tuple[str, Scenario, tuple[Edit, ...]]] = {
    "delete the next pod without another observation": (
        "A second DELETE was sent on the same observation.",
        SCENARIOS["two replicas"],
        (Edit(Reconciler, "_delete", 'self.state.deletions["accepted"] += 1', _TWICE),),
    ),
    "drop both preconditions": (
        "was terminated, and no plan names it.",
        _REPLACED_ALONE,
        (
            Edit(
                workloads,
                "delete_pod",
                '"preconditions": {"uid": pod.uid, "resourceVersion": pod.resource_version},',
                "",
            ),
        ),
    ),
    "drop the resourceVersion from the preconditions": (
        "was terminated after it had been labelled active.",
        _SERVES_ALONE,
        (Edit(workloads, "delete_pod", ', "resourceVersion": pod.resource_version', ""),),
    ),
    "delete before the plan is written": (
        "A DELETE was sent for a pod that no stored plan names.",
        SCENARIOS["two replicas"],
        (
            Edit(
                Reconciler,
                "step",
                "    if after != remediation:\n",
                f"    if after.plan and not remediation.plan: {_FIRST}\n    if after != remediation:\n",
            ),
        ),
    ),
    "swap without resourceVersion": (
        "A plan was changed after it had been written.",
        SCENARIOS["a pod is replaced"],
        (
            Edit(
                record,
                "store",
                "**remediation.extra,",
                '**remediation.extra, "metadata": {"name": remediation.name},',
            ),
        ),
    ),
    "ignore who accepts": (
        "A DELETE was sent though the observation had seen somebody serve.",
        _SERVES,
        (
            Edit(restarting, "_somebody_serves", "if seen.service_ok:", 'if True: return ""\n    if seen.service_ok:'),
            Edit(restarting, "_certainly_not_serving", "if each.pod.ip is None", "if True or each.pod.ip is None"),
            Edit(restarting, "_answers", "gates.by_the_table(excused)", 'gates.passes("")'),
        ),
    ),
    "ignore the age of the observation": (
        "A DELETE was sent without an observation of the last 10 s.",
        SCENARIOS["a stall of an hour"],
        (Edit(Reconciler, "_too_old", "return self._age", "return False and self._age"),),
    ),
    "ask the age of the observation only before the swap": (
        "A DELETE was sent without an observation of the last 10 s.",
        SCENARIOS["a stall while deletes go on"],
        (
            Edit(
                Reconciler,
                "step",
                "Wait(_TOO_OLD) if self._too_old(assessment) else await",
                "await",
            ),
        ),
    ),
    "ignore the pause between deletes": (
        "A DELETE was sent without an observation at the pause, or in spite of it.",
        SCENARIOS["somebody pauses and resumes"],
        (Edit(restarting, "_hindrance", "if given.pause.paused:", "if False:"),),
    ),
    "find the victims by name": (
        "A DELETE was sent for a pod that no stored plan names.",
        Scenario(jobs=_ALONE, steps=2, budget=("a pod is replaced",)),
        (
            Edit(restarting, "_note_outcomes", "if not readable(given.seen):", "if True:"),
            Edit(restarting, "_answers", "return _as_planned(", "return ()\n    return _as_planned("),
            Edit(
                restarting,
                "_out_of_bounds",
                "present[planned.uid]",
                "next(pod for pod in present.values() if pod.name == planned.name)",
            ),
            Edit(
                restarting,
                "restart",
                "pods_by_uid(given.seen)[planned.uid]",
                "next(pod for pod in pods_by_uid(given.seen).values() if pod.name == planned.name)",
                also=(decision,),
            ),
        ),
    ),
    "open a remediation beside an open one": (
        "Two remediations of one target are open at once.",
        SCENARIOS["three webhooks at once"],
        (Edit(intake, "standing", "if latest.phase.open:", "if False:"),),
    ),
    "take up again what a person asked once": (
        "What a person asked for once was opened twice.",
        SCENARIOS["a person asks, and what was opened for it ends"],
        (Edit(intake, "open_or_join", "if taken is not None:", "if False:"),),
    ),
    "work on a closed remediation": (
        "A closed remediation did not stay closed.",
        SCENARIOS["a pod serves"],
        (
            Edit(
                decision,
                "decide",
                "return remediation, streaks, Close()",
                "return watch(remediation, given)",
                also=(reconciler,),
            ),
        ),
    ),
    "stop between Locket and the BBS": (
        "A restart stopped halfway though nothing was in its way.",
        SCENARIOS["Locket and the BBS"],
        (
            Edit(
                restarting,
                "_hindrance",
                "return _doubt(",
                'if step.workload == "diego-api" and remediation.deletions: return "Waiting."\n    return _doubt(',
            ),
        ),
    ),
    "take a 503 of a planned pod for service": (
        "A record says that somebody serves though nobody answered ok.",
        SCENARIOS["a planned pod hangs with 503"],
        (Edit(restarting, "_somebody_serves", "seen.serving()", "seen.accepting()"),),
    ),
    "stop for a 503 of a planned pod": (
        "A restart stopped halfway though nothing was in its way.",
        SCENARIOS["a planned pod hangs with 503"],
        (
            Edit(
                plan,
                "hung_since_the_plan",
                "return each.pod.uid in planned and",
                "return False and",
                also=(restarting,),
            ),
        ),
    ),
    "take a 503 of a new pod for a hung one": (
        "A DELETE was sent though a pod that began after the plan may be migrating.",
        SCENARIOS["a new pod migrates"],
        (
            Edit(plan, "hung_since_the_plan", "each.pod.uid in planned and all(", "all(True or ", also=(restarting,)),
            Edit(restarting, "_certainly_not_serving", "and made_since", "and False"),
        ),
    ),
    "take a 503 of a BBS that has started since for a hung one": (
        "A DELETE was sent though a pod that began after the plan may be migrating.",
        Scenario(PLANNED, jobs=_ALONE, budget=("a pod's BBS starts again and answers 503", "6 minutes pass")),
        (Edit(plan, "hung_since_the_plan", "all(moment is not None and", "all(True or", also=(restarting,)),),
    ),
    "drop the table before a delete": (
        "A DELETE was sent though the observation had found the database down.",
        SCENARIOS["the database goes down"],
        (Edit(restarting, "_answers", "gates.by_the_table(excused)", 'gates.passes("")'),),
    ),
    "count a blind observation": (
        "A plan was written before 3 observations could tell.",
        SCENARIOS["confirmed by three observations"],
        (
            Edit(
                Streaks,
                "saw",
                "return replace(kept, met=assessment.diagnosis.why)",
                "return replace(kept, diagnosis=kept.diagnosis and replace(kept.diagnosis, "
                "observations=kept.diagnosis.observations + 1))",
            ),
        ),
    ),
    "take the clock of a blind observation": (
        "A remediation was given up before its time.",
        SCENARIOS["the first observation can't tell, while it is paused"],
        (Edit(decision, "decide", "if not assessment.blind:", "if True:", also=(reconciler,)),),
    ),
    "judge the deadline by a blind observation": (
        "A remediation was ended by an observation that could not tell.",
        Scenario(Cluster((ZERO, ONE), (fresh_record(),), paused=True), budget=(BLIND, "an hour passes")),
        (Edit(watching, "watch", "None if given.assessment.blind else", "", also=(decision,)),),
    ),
    "write another plan on the way": (
        "A plan was changed after it had been written.",
        SCENARIOS["a pod is replaced"],
        (
            Edit(
                restarting,
                "restart",
                "remediation = _note_outcomes(remediation, given)",
                'remediation = __import__("remediator.watching").watching._open_gates('
                "remediation, given, given.streaks)[0]",
                also=(decision,),
            ),
        ),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_search_finds_a_careless_edit(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint, scenario, edits = MUTANTS[mutant]
    for edit in edits:
        edit.make(monkeypatch)
    with pytest.raises(Broken) as found:
        scenario.explore()
    assert str(found.value).endswith(complaint)


def test_an_edit_that_does_not_fit_the_code_any_more_is_told() -> None:
    with pytest.raises(AssertionError, match="does not hold"):
        Edit(restarting, "restart", "a line that is not there", "").make(pytest.MonkeyPatch())
