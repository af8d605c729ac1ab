"""A person's approval by an annotation: what it opens, for whom, and what it never does."""

from dataclasses import replace
from typing import Any

import pytest

from remediator import approval, record
from remediator.approval import ANNOTATION, Approval
from remediator.decision import decide
from remediator.inputs import Continue, DeletePod
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.remediation import Phase, Reason, Remediation, Request
from remediator.streaks import Streaks
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.observations import bbs, healthy, observation
from tests.remediator.builders import ACT, at, every, follow, inputs, plan, remediation, restarting
from tests.remediator.receiving import MemoryCluster

SPLIT = observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.OK), service=Reply.OK)
STUCK = observation(bbs(0, Reply.UNAVAILABLE), bbs(1))
ALICE = Approval("stuck_unavailable", "alice")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stuck_unavailable by alice", ALICE),
        ("frozen by people:alice by night", Approval("frozen", "people:alice by night")),
        (f"frozen by {'a' * 257}", Approval("frozen", "a" * 256)),
        ("stuck_unavailable", None),
        ("stuck_unavailable by ", None),
        (" by alice", None),
        ("", None),
        (7, None),
    ],
)  # fmt: skip
def test_an_approval_names_a_diagnosis_and_a_person(text: Any, found: Approval | None) -> None:
    assert approval.read({"annotations": {ANNOTATION: text}}) == found


def test_the_line_to_type_reads_as_an_approval() -> None:
    line = approval.command("diego-api-r1", "stuck_unavailable")
    who = "$(kubectl auth whoami -o jsonpath={.status.userInfo.username})"
    assert line == (
        f'annotate --overwrite remediation diego-api-r1 stagekeeper.dev/approve="stuck_unavailable by {who}"'
    )
    value = line.partition(f"{ANNOTATION}=")[2].strip('"')
    found = approval.read({"annotations": {ANNOTATION: value}})
    assert found is not None
    assert (found.condition, found.person[:22]) == ("stuck_unavailable", "$(kubectl auth whoami ")


@pytest.mark.parametrize("annotations", [None, [], "x", {"another": "x"}])
def test_metadata_without_one_hold_none(annotations: Any) -> None:
    assert approval.read({"annotations": annotations}) is None


def ending(seen: Observation, given: Approval, seconds: float = 120) -> tuple[Remediation, Any]:
    found, _, action = follow(remediation(approval=given), every(5, seconds, seen))
    return found, action


def test_what_is_approved_is_restarted_and_who_approved_is_on_the_record() -> None:
    found, action = ending(STUCK, ALICE)
    assert (found.phase, found.reason, action) == (Phase.RESTARTING, Reason.GATES_OPEN, Continue())
    assert found.approved_by == "alice for stuck_unavailable"
    said = [each.message for each in found.transitions]
    assert said.count("alice approved a restart for stuck_unavailable.") == 1
    assert record.store(found)["status"]["approvedBy"] == "alice for stuck_unavailable"


def test_the_newest_approval_counts_whatever_was_accepted_before() -> None:
    request = Request("cf", person="bob", accept="frozen")
    found, streaks = remediation(request=request, approval=Approval("tls_broken", "alice")), Streaks()
    for seconds in range(0, 125, 5):
        found = replace(found, approval=ALICE) if seconds == 60 else found
        found, streaks, _ = decide(found, inputs(at(seconds, STUCK), streaks=streaks))
    assert (found.phase, found.approved_by) == (Phase.RESTARTING, str(ALICE))
    said = [each.message for each in found.transitions]
    assert "alice approved a restart for tls_broken." in said
    assert "alice approved a restart for stuck_unavailable." in said


def test_what_is_approved_after_the_end_is_not_spent_with_it() -> None:
    """Whoever decides on an observation that began before the end meets the record as it is after it."""
    closed = escalated()
    assert decide(closed, inputs(at(0, STUCK)))[0] is closed


@pytest.mark.parametrize("phase", [Phase.RESTARTING, Phase.VERIFYING])
def test_what_is_approved_later_is_noted_too_and_so_is_spent(phase: Phase) -> None:
    found, _, _ = decide(replace(restarting(), phase=phase, approval=ALICE), inputs(at(0, STUCK)))
    assert found.approved_by == str(ALICE)


def test_what_is_approved_for_something_else_does_not_halt_a_restart() -> None:
    request = Request("cf", person="bob", accept="stuck_unavailable")
    for other in ("frozen", "split_brain"):
        found = restarting(plan=plan("stuck_unavailable"), request=request, approval=Approval(other, "alice"))
        assert isinstance(decide(found, inputs(at(0, STUCK)))[2], DeletePod)


def test_an_approval_that_nobody_can_give_takes_nothing_from_another_person() -> None:
    request = Request("cf", person="bob", accept="stuck_unavailable")
    found, _, _ = follow(remediation(request=request, approval=Approval("stuk", "alice")), every(5, 120, STUCK))
    assert found.phase is Phase.RESTARTING


def test_what_was_taken_away_may_be_approved_again() -> None:
    found, _, _ = decide(remediation(approval=ALICE), inputs(at(0, STUCK)))
    found, _, _ = decide(replace(found, approval=None), inputs(at(5, STUCK)))
    assert found.approved_by == ""
    assert "The approval was taken away: alice for stuck_unavailable." in [each.message for each in found.transitions]
    assert record.store(replace(found, extra={"status": {"approvedBy": "alice"}}))["status"]["approvedBy"] == ""


async def test_log_and_event_say_what_was_approved_and_by_whom() -> None:
    records = MemoryCluster(remediation(request=Request("cf", person="bob", accept="frozen"), approval=ALICE))
    records.seen = STUCK
    reconciler = Reconciler(records, ACT)
    await reconciler.reconcile()
    await reconciler.telling.send()
    assert [each.note for each in records.told] == ["alice approved a restart for stuck_unavailable."]


def test_an_approval_of_something_else_opens_nothing() -> None:
    found, _ = ending(STUCK, Approval("frozen", "alice"))
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.AWAITING_APPROVAL)


def test_what_nobody_can_approve_is_said() -> None:
    found, _ = ending(SPLIT, Approval("split_brain", "alice"))
    assert (found.phase, found.plan) == (Phase.ESCALATED, None)
    assert "Nobody can: it must be one of" in found.transitions[0].message


def test_a_bbs_that_serves_is_not_restarted_whatever_was_approved() -> None:
    assert ending(healthy(), ALICE)[0].phase is Phase.SELF_HEALED


def test_the_escalation_says_the_whole_line_to_type() -> None:
    found, _, _ = follow(remediation(), every(5, 120, STUCK))
    assert found.reason is Reason.AWAITING_APPROVAL
    line = approval.command("diego-api-r1", "stuck_unavailable")
    assert found.message.endswith(f" Next: kubectl -n cf {line}")


def test_a_withdrawn_approval_holds_the_next_delete() -> None:
    found, _ = ending(STUCK, ALICE)
    _, _, action = decide(replace(found, approval=None), inputs(at(125, STUCK), streaks=Streaks()))
    assert "DeletePod" not in type(action).__name__
    _, _, action = decide(found, inputs(at(125, STUCK), streaks=Streaks()))
    assert "DeletePod" in type(action).__name__


def escalated(**changes: Any) -> Remediation:
    return remediation(Phase.ESCALATED, reason=Reason.AWAITING_APPROVAL, age=60, approval=ALICE, **changes)


async def test_a_remediator_that_died_between_release_and_opening_goes_on() -> None:
    records = MemoryCluster(escalated().released("alice", at(0).moment.at))
    await Reconciler(records, ACT).reconcile()
    assert [*records.remediations] == [1, 2]
    assert records.remediations[2].request.mode == Mode.ACT


async def test_what_is_approved_after_another_approval_was_spent_opens_the_next() -> None:
    records = MemoryCluster(escalated(approved_by="alice for frozen"))
    await Reconciler(records, ACT).reconcile()
    assert records.remediations[2].request.accept == "stuck_unavailable"


@pytest.mark.parametrize(
    ("found", "mode"),
    [
        (escalated().released("serving", at(0).moment.at), Mode.ACT),
        (replace(escalated(), approval=Approval("split_brain", "alice")), Mode.ACT),
        (replace(escalated(), approval=None), Mode.ACT),
        (replace(escalated(), phase=Phase.RECOVERED), Mode.ACT),
        (escalated(), Mode.OBSERVE),
        (escalated(approved_by=str(ALICE)), Mode.ACT),
    ],
    ids=["serves again", "nobody can", "no approval", "ended well", "mode observe", "it had its effect before"],
)
async def test_else_nothing_is_opened(found: Remediation, mode: Mode) -> None:
    records = MemoryCluster(found)
    await Reconciler(records, ACT.model_copy(update={"mode": mode})).reconcile()
    assert [*records.remediations] == [1]


@pytest.mark.parametrize("taken", ["the annotation", "another diagnosis instead", "the record"])
async def test_an_approval_that_is_taken_away_holds_what_it_has_opened_until_it_is_given_again(taken: str) -> None:
    ended = remediation(Phase.ESCALATED, reason=Reason.AWAITING_APPROVAL, age=60, approval=ALICE)
    cluster = MemoryCluster(ended)
    cluster.seen, cluster.every = STUCK, 15
    reconciler = Reconciler(cluster, ACT)
    await reconciler.reconcile()
    given = cluster.remediations[1]
    if taken == "the record":
        del cluster.remediations[1]
    else:
        other = None if taken == "the annotation" else Approval("frozen", "alice")
        cluster.remediations[1] = replace(given, approval=other)
    for _ in range(6):
        await reconciler.reconcile()
    opened = cluster.remediations[2]
    assert (opened.plan, cluster.deleted) == (None, [])
    assert [each.message for each in opened.transitions].count("The approval of diego-api-r1 was taken away.") == 1
    cluster.remediations[1] = given
    for _ in range(12):
        await reconciler.reconcile()
    assert cluster.remediations[2].plan is not None
    assert [pod.name for pod in cluster.deleted][:1] == ["diego-api-0"]
