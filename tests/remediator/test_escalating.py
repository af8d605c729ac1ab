"""What an escalation tells: every one says what was deleted, what each pod answers now, and what to type next."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator import approval
from remediator.escalating import escalated, next_step
from remediator.inputs import Pause
from remediator.remediation import Deletion, GateResult, Outcome, Phase, Reason, Remediation
from remediator.streaks import Streaks, Unseen
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.observations import NOW, bbs, hung, observation, pending
from tests.remediator.builders import ACT, at, inputs, moment, remediation, restarting

HALF = restarting(["diego-api-0"])
INSIDE = "kubectl -n stagekeeper exec deploy/stagekeeper-exporter -- stagekeeper diagnose --environment cf"
APPROVE = f"kubectl -n cf {approval.command('diego-api-r1', 'stuck_unavailable')}"
PAUSED = Pause(paused=True, why="kim is here.")


def message(
    seen: Observation, reason: Reason = Reason.NEVER, found: Remediation | None = None, pause: Pause | None = None
) -> str:
    asked = inputs(at(0, seen), pause=pause or Pause(paused=False))
    after = escalated(found or remediation(), reason, "Why it was.", asked)
    assert (after.phase, after.reason) == (Phase.ESCALATED, reason)
    return after.message


def test_all_of_it_in_one_order() -> None:
    assert message(observation(bbs(0, Reply.NO_REPLY), bbs(1), service=Reply.NO_REPLY)) == (
        "Why it was. Nothing was deleted. "
        "Answers now: diego-api-0 no_reply, diego-api-1 refused, Service no_reply. "
        "Next: kubectl logs -n cf -l 'skiff-role-name=diego-api' --all-containers --prefix --tail=50"
    )


def test_a_reason_without_a_full_stop_gets_one() -> None:
    after = escalated(remediation(), Reason.NEVER, "Paused: stop, I am looking ", inputs(at(0, hung())))
    assert after.message.startswith("Paused: stop, I am looking. Nothing")


def test_what_was_deleted_and_what_was_not() -> None:
    assert " Deleted: diego-api-0. Not deleted: diego-api-1. " in message(hung(), Reason.INTERRUPTED, HALF)
    replaced = replace(HALF, deletions=(*HALF.deletions, Deletion("diego-api-1", "uid-1", "replaced", NOW)))
    told = message(hung(), Reason.INTERRUPTED, replaced)
    assert " Deleted: diego-api-0. Gone or replaced when we came: diego-api-1. Not deleted: none. " in told
    refused = replace(HALF, deletions=(*HALF.deletions, Deletion("kube-dns-abc", "u", "refused", NOW)))
    told = message(hung(), Reason.INTERRUPTED, refused)
    assert " Deleted: diego-api-0. Not deleted: diego-api-1, kube-dns-abc. " in told


@pytest.mark.parametrize(
    ("ago", "reason", "why", "told"),
    [
        (120, Reason.GAVE_UP, "HTTP 500", " From 11:48:00 to 11:58:00 UTC no check could tell. HTTP 500."),
        (120, Reason.NOT_SERVING, "", " The Kubernetes API was away, or this process stood still."),
        (121, Reason.GAVE_UP, "HTTP 500", ""),
        (0, Reason.NEVER, "HTTP 500", ""),
    ],
)
def test_what_could_not_be_seen_is_told_of_what_is_late_where_it_has_just_ended(
    ago: float, reason: Reason, why: str, told: str
) -> None:
    until = NOW - timedelta(seconds=ago)
    streaks = Streaks(unseen=Unseen(until - timedelta(minutes=10), until, why))
    said = escalated(remediation(), reason, "Why it was.", inputs(streaks=streaks)).message
    assert told in said
    assert bool(told) == ("no check could tell" in said)


def test_who_has_come_only_now_says_so() -> None:
    given = inputs(streaks=Streaks().entered("diego-api-r1", "Watching", NOW - timedelta(hours=2), moment()))
    said = " This process has watched it only since 12:00:00 UTC. "
    assert said in escalated(remediation(), Reason.GAVE_UP, "Why it was.", given).message
    assert said not in escalated(remediation(), Reason.NEVER, "Why it was.", given).message
    long = replace(given, assessment=at(120))
    assert said not in escalated(remediation(), Reason.GAVE_UP, "Why it was.", long).message


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("alert", f"{ACT.inside}stagekeeper status --environment cf"),
        ("budget", "kubectl logs -n cf -l 'skiff-role-name=diego-api' --all-containers --prefix --tail=50"),
        ("bounds", "kubectl get statefulsets,pods,services -n cf --show-labels"),
        ("confirmation", "stagekeeper restart -n cf --environment cf --reason WHY"),
    ],
)
def test_where_another_gate_holds_a_restart_the_next_command_does_not_ask_for_one_again(gate: str, told: str) -> None:
    closed = replace(remediation(), gates=((gate, GateResult(Outcome.NOT_YET, "-")),))
    assert escalated(closed, Reason.GAVE_UP, "Why it was.", inputs()).message.endswith(f" Next: {told}")


def test_a_pause_that_nobody_could_read_is_looked_at_first() -> None:
    given = inputs(pause=Pause(paused=True, why="HTTP 403", unread=True))
    told = "kubectl -n cf get configmap stagekeeper-pause -o yaml --ignore-not-found"
    assert next_step(escalated(remediation(), Reason.GAVE_UP, "-", given).message) == told


def test_where_deletes_are_refused_the_next_command_shows_who_may() -> None:
    refused = replace(HALF, refused="The deletion of diego-api-1 was refused: HTTP 403.")
    assert next_step(message(hung(), Reason.INTERRUPTED, refused)) == "kubectl -n cf get rolebindings -o wide"


DEAF = observation(bbs(0, Reply.UNAVAILABLE, active=True), bbs(1))
DEAF_FOR_LONG = observation(bbs(0, Reply.UNAVAILABLE, active=True, age=timedelta(hours=5)), bbs(1))
COMING = observation(pending(0, age=timedelta(minutes=1)), bbs(1))
LOGS = "kubectl logs -n cf -l 'skiff-role-name=diego-api' --all-containers --prefix --tail=50"
MIGRATES = "kubectl logs -n cf diego-api-0 -c diego-api | grep migration-manager | tail -5 ; if it does not migrate: "
RESUME = "kubectl -n cf delete configmap stagekeeper-pause"


@pytest.mark.parametrize(
    ("asked", "next_command"),
    [
        pytest.param((hung(),), "stagekeeper restart -n cf --environment cf --reason WHY", id="a restart"),
        pytest.param((observation(bbs(0, active=True), bbs(1)),), INSIDE, id="to look from inside"),
        pytest.param((DEAF, Reason.AWAITING_APPROVAL), APPROVE, id="a person's approval"),
        pytest.param(
            (DEAF_FOR_LONG, Reason.AWAITING_APPROVAL),
            f"{MIGRATES}{APPROVE}",
            id="a person's approval, once no migration runs",
        ),
        pytest.param((hung(), Reason.GAVE_UP, None, PAUSED), RESUME, id="a pause held it"),
        pytest.param((hung(), Reason.INTERRUPTED, HALF, PAUSED), RESUME, id="a pause interrupted it"),
        pytest.param((COMING, Reason.PODS_LATE, HALF), "kubectl describe pod -n cf diego-api-0", id="a pod is late"),
        pytest.param((COMING, Reason.NOT_SERVING, HALF), LOGS, id="a pod is late, which is not why"),
        pytest.param((hung(), Reason.NOT_SERVING, HALF), LOGS, id="a restart has been tried"),
    ],
)
def test_the_next_command_is_complete(asked: tuple[Any, ...], next_command: str) -> None:
    assert message(*asked).endswith(f" Next: {next_command}")
