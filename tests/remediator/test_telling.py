"""What one replica says while it works, whole: its log line by line, its Events, its counters."""

import asyncio
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from remediator.approval import Approval
from remediator.reconciler import Reconciler, resync_forever
from remediator.remediation import Asked, Phase, Reason, Remediation, Request
from remediator.streaks import Streak
from stagekeeper.diego.observation import Reply
from stagekeeper.kube import events
from stagekeeper.kube.errors import Conflict, Forbidden, KubeError, Unreachable, from_status
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod
from tests.diego.observations import NOW, ago, bbs, healthy, hung, observation, pod, unknown, workload
from tests.remediator.builders import ACT, moment, remediation, restarting
from tests.remediator.receiving import MemoryCluster

SET = events.statefulset(workload())
OF = "remediation=diego-api-r1"
BACK = [bbs(0, Reply.OK, active=True, uid="a"), bbs(1, uid="b")]


def record(name: str = "diego-api-r1") -> events.Reference:
    return events.Reference("stagekeeper.dev/v1alpha1", "Remediation", name, "")


def about(reason: str, note: str, seconds: float, name: str = "diego-api-r1", *, warning: bool = False) -> Event:
    return Event(record(name), reason, note, "Remediate", NOW + timedelta(seconds=seconds), SET, warning)


def restarted(ordinal: int, seconds: float) -> Event:
    note = "Deleted by Stagekeeper's remediator (diego-api-r1, no_active_bbs); the StatefulSet makes a new one."
    at = NOW + timedelta(seconds=seconds)
    return Event(events.pod(pod(ordinal)), "Restarted", note, "Delete", at, record())


def gate(name: str, answer: str, rest: str) -> str:
    return f"info Gate {name}: {answer}{rest} {OF} gate={name} answer={answer}"


async def worked(reconciler: Reconciler, times: int = 1) -> list[str]:
    """The lines of the log, each with its level before and its fields behind it."""
    with capture_logs() as lines:
        for _ in range(times):
            await reconciler.reconcile()
            await reconciler.telling.send()
    return flat(lines)


def flat(lines: Sequence[MutableMapping[str, Any]]) -> list[str]:
    for line in lines:
        assert line.pop("environment") == "cf"
    return [
        " ".join([line.pop("log_level"), line.pop("event"), *(f"{key}={value}" for key, value in line.items())])
        for line in lines
    ]


async def test_a_restart_is_told_from_the_first_gate_to_the_recovery() -> None:
    cluster = MemoryCluster(remediation())
    cluster.every = 15
    reconciler = Reconciler(cluster, ACT)
    lines = await worked(reconciler, 2)
    assert dict(reconciler.state.gates)["confirmation"].progress == "2 of 8 checks, 15 of 120 s"
    lines += await worked(reconciler, 7)
    cluster.seen = observation(*BACK, service=Reply.OK)
    lines += await worked(reconciler, 4)
    hangs = "Both BBS pods are Running but refuse connections on 8889: no active BBS."
    restarts = f"Restarting diego-api-0, diego-api-1: {hangs}"
    accepted = "Deletion accepted for diego-api-0, diego-api-1; waiting for the replacement pods."
    serves = "diego-api-0 is the active BBS and the Service routes to it."
    persists = "no_active_bbs must persist for 8 checks over 120 s: no restart before 12:02:15 UTC."
    persisted = "no_active_bbs has persisted in every check, at least 8 checks over 120 s."
    assert lines == [
        gate("mode", "pass", ". The mode is act."),
        gate("pause", "pass", ". Not paused."),
        gate("alert", "pass", ". The alert is firing in http://alertmanager:9093."),
        gate("cooldown", "pass", ". No restart within the cooldown (15 minutes)."),
        gate("budget", "pass", ". 0 of 2 restarts used in the last 6 hours."),
        gate("diagnosis", "pass", f". no_active_bbs: {hangs}"),
        gate("confirmation", "not_yet", f" (1 of 8 checks, 0 of 120 s). {persists}"),
        gate("bounds", "pass", ". Pods match the configured StatefulSet; their revision is current."),
        gate("confirmation", "pass", f". {persisted}"),
        f"warning {restarts} {OF} phase=Restarting reason=GatesOpen diagnosis=no_active_bbs",
        f"info {accepted} {OF} phase=Verifying reason=PodsDeleted diagnosis=no_active_bbs",
        f"info {serves} {OF} phase=Recovered reason=Serving diagnosis=serving",
    ]
    assert cluster.told == [
        about("GatesOpen", f"Restarting. {restarts}", 135, warning=True),
        restarted(0, 150),
        restarted(1, 165),
        about("PodsDeleted", f"Verifying. {accepted}", 180),
        about("Serving", f"Recovered. {serves}", 240),
    ]
    state = reconciler.state
    assert state.transitions == {
        ("Restarting", "GatesOpen"): 1,
        ("Verifying", "PodsDeleted"): 1,
        ("Recovered", "Serving"): 1,
    }
    assert state.durations == [("plan", 135), ("last_delete", 180), ("recovered", 240)]
    assert (state.deletions, state.observations, cluster.deleted) == ({"accepted": 2}, 17, [pod(0), pod(1)])
    assert (state.failure, state.late, state.gates, state.latest) == ("", False, (), cluster.remediations[1])


async def test_what_stays_open_is_late_by_our_own_clock_however_blind_we_are() -> None:
    cluster = MemoryCluster(remediation())
    cluster.seen, cluster.every = hung(pods=unknown("HTTP 500")), 200
    reconciler, late = Reconciler(cluster, ACT), []
    for _ in range(4):
        await reconciler.reconcile()
        late.append(reconciler.state.late)
    assert late == [False, False, False, True]
    cluster.remediations = {2: remediation(name="diego-api-r2")}
    await reconciler.reconcile()
    assert not reconciler.state.late, "another one has its own time"


async def test_an_escalation_is_a_warning() -> None:
    cluster = MemoryCluster(remediation())
    cluster.every, cluster.seen = 30, observation(bbs(0, Reply.OK), bbs(1, Reply.OK))
    lines = await worked(Reconciler(cluster, ACT), 5)
    message = cluster.remediations[1].message
    assert lines[-1] == f"warning {message} {OF} phase=Escalated reason=RestartIsNoCure diagnosis=split_brain"
    assert cluster.told == [about("RestartIsNoCure", f"Escalated. {message}", 150, warning=True)]


class Refusing(MemoryCluster):
    """Deletes meet this trouble."""

    def __init__(self, problem: KubeError) -> None:
        super().__init__(restarting())
        self.problem = problem

    async def delete_pod(self, pod: Pod) -> None:  # noqa: ARG002 -- the signature of what it stands for
        """Not done."""
        raise self.problem


async def test_a_deletion_that_is_refused_is_told_once() -> None:
    cluster = Refusing(Forbidden("HTTP 403."))
    reconciler = Reconciler(cluster, ACT)
    said = "The deletion of diego-api-0 was refused: HTTP 403."
    assert await worked(reconciler, 2) == [f"warning {said} remediation=diego-api-r1"]
    assert cluster.told == [about("DeleteRefused", said, 5, warning=True)]
    assert reconciler.state.deletions == {"forbidden": 2}
    kept = cluster.remediations[1]
    assert (kept.refused, [each.message for each in kept.transitions]) == (said, [said])
    refused = Streak("refused", moment(5), moment(10), 2, (said,))
    assert (reconciler.streaks.delete_refused, reconciler.streaks.delete_failed) == (refused, "")


async def test_an_admission_webhook_that_does_not_answer_refuses() -> None:
    words = 'DELETE /pod: HTTP 500: Internal error occurred: failed calling webhook "policy.example": no endpoints.'
    cluster = Refusing(from_status(500, "InternalError", words))
    cluster.every = 30
    reconciler = Reconciler(cluster, ACT)
    said = f"The deletion of diego-api-0 was refused: {words}"
    assert (await worked(reconciler))[0] == f"warning {said} remediation=diego-api-r1"
    await worked(reconciler, 5)
    ended = cluster.remediations[1]
    assert (ended.phase, ended.reason) == (Phase.ESCALATED, Reason.INTERRUPTED)
    assert said in ended.message
    assert ended.message.endswith("Next: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Conflict("HTTP 409"), "diego-api-0 is not as it was observed. HTTP 409."),
        (from_status(429, "", "HTTP 429"), "The deletion of diego-api-0 was not accepted. HTTP 429."),
        (from_status(500, "", "HTTP 500"), "The answer to the deletion of diego-api-0 is unknown. HTTP 500."),
        (Unreachable("no route"), "The answer to the deletion of diego-api-0 is unknown. no route."),
    ],
)
async def test_a_deletion_that_may_go_well_next_time_is_remembered_and_not_told(problem: KubeError, said: str) -> None:
    cluster = Refusing(problem)
    reconciler = Reconciler(cluster, ACT)
    assert (await worked(reconciler), cluster.told) == ([], [])
    assert (reconciler.streaks.delete_failed, reconciler.state.deletions) == (said, {problem.reason: 1})


LATCHED = "diego-api-r1 ended Escalated: it waits for a person, or for the BBS to serve."
OPEN = "diego-api-r1 is still in progress (Watching)."
BY_APPROVAL = "Accepting frozen counts here by an approval only."
TOO_LATE = "that is too long ago, so nothing was opened."
KIM = Request("cf", person="kim", why="it hangs", accept="frozen", asked_uid="u1")


@pytest.mark.parametrize(
    ("found", "age", "lines", "told"),
    [
        (
            [],
            ACT.give_up_after,
            ["info kim asks for a restart: diego-api-r1 was opened. remediation=diego-api-r1"],
            [Event(record(), "PersonAsked", "Opened: kim asks for a restart: it hangs", "Remediate", NOW)],
        ),
        (
            [remediation(Phase.ESCALATED)],
            timedelta(0),
            [f"info kim asks for a restart: {LATCHED} remediation=diego-api-r1"],
            [Event(record(), "PersonAsked", f"kim asks for a restart: {LATCHED} {BY_APPROVAL}", "Remediate", NOW)],
        ),
        (
            [remediation(Phase.WATCHING)],
            timedelta(0),
            [f"info kim asks for a restart: {OPEN} remediation=diego-api-r1"],
            [Event(record(), "PersonAsked", f"kim asks for a restart: {OPEN} {BY_APPROVAL}", "Remediate", NOW)],
        ),
        (
            [],
            ACT.give_up_after + timedelta(seconds=1),
            [f"warning kim asks for a restart since 2026-11-23 10:59:59 UTC: {TOO_LATE}"],
            [],
        ),
    ],
    ids=["opened", "latched", "joined", "too old"],
)
async def test_what_becomes_of_a_wish_is_told(
    found: Sequence[Remediation], age: timedelta, lines: list[str], told: list[Event]
) -> None:
    class Asking(MemoryCluster):
        async def withdraw(self, asked: Asked) -> None:
            """Out of the way."""

    cluster = Asking(*found)
    reconciler = Reconciler(cluster, ACT)
    reconciler.state.remediations = found
    with capture_logs() as said:
        await reconciler.take_up(Asked("diego-api-request", "u1", ago(age), KIM), NOW)
    await reconciler.telling.send()
    assert flat(said) == lines
    assert cluster.told == told


async def test_an_approval_of_an_open_record_is_told() -> None:
    cluster = MemoryCluster(remediation(approval=Approval("stuck_unavailable", "alice")))
    cluster.seen = observation(bbs(0, Reply.UNAVAILABLE), bbs(1))
    said = "alice approved a restart for stuck_unavailable."
    assert f"info {said} {OF}" in await worked(Reconciler(cluster, ACT))
    assert cluster.told == [about("Approved", said, 5)]


@pytest.mark.looptime
async def test_an_api_that_is_away_ends_no_loop() -> None:
    cluster = MemoryCluster()
    cluster.trouble = Unreachable("away")
    reconciler = Reconciler(cluster, ACT)
    with capture_logs() as lines:
        loops = [asyncio.create_task(reconciler.run()), asyncio.create_task(resync_forever([reconciler], 5))]
        await asyncio.sleep(12)
        cluster.trouble = None
        await asyncio.sleep(12)
    assert flat(lines) == [
        "warning Kubernetes API unavailable, retrying: away reason=unreachable",
        "info Kubernetes API available again.",
    ]
    assert reconciler.state.failures == {"unreachable": 3}
    assert [loop.cancel() for loop in loops] == [True, True], "both go on"


ENDED = remediation(Phase.ESCALATED, reason=Reason.AWAITING_APPROVAL, age=60)


async def test_an_approval_after_the_escalation_opens_the_next_one_in_that_name() -> None:
    cluster = MemoryCluster(replace(ENDED, approval=Approval("stuck_unavailable", "alice")))
    reconciler = Reconciler(cluster, ACT)
    said = "alice approved diego-api-r1: opened remediation diego-api-r2."
    assert await worked(reconciler) == [f"info {said} remediation=diego-api-r2"]
    assert cluster.told == [Event(record("diego-api-r2"), "PersonAsked", said, "Remediate", NOW)]
    first, second = cluster.remediations.values()
    assert (first.released_by, first.released_at) == ("alice", NOW)
    asked = Request(
        "cf",
        person="alice",
        why="approval of diego-api-r1",
        accept="stuck_unavailable",
        mode="act",
        approves="diego-api-r1",
    )
    assert second == Remediation("diego-api-r2", asked, NOW)


async def test_three_observations_in_which_it_serves_release_an_escalated_record_and_it_is_told() -> None:
    idle = Reconciler(MemoryCluster(), ACT)
    assert ([await idle.reconcile() for _ in range(2)], idle.state.observations) == ([5, 5], 1)
    cluster = MemoryCluster(ENDED)
    cluster.seen, cluster.every = healthy(), 16
    reconciler = Reconciler(cluster, ACT)
    assert (await worked(reconciler, 2), cluster.remediations[1].released_by) == ([], "")
    said = "diego-api-0 is the active BBS and the Service routes to it. So the next alert opens a remediation."
    assert await worked(reconciler) == [f"info {said} remediation=diego-api-r1"]
    assert (cluster.remediations[1].released_by, cluster.remediations[1].released_at) == (
        "serving",
        NOW + timedelta(seconds=48),
    )


@pytest.mark.parametrize("workloads", [(workload(replicas=3),), unknown("HTTP 403")], ids=["one missing", "unread"])
async def test_where_pods_are_not_back_the_target_is_free_and_a_person_is_called_until_they_are(workloads: Any) -> None:
    """It was released within seconds, so that nobody was paged, and the pod stayed away."""
    cluster = MemoryCluster(replace(ENDED, reason=Reason.PODS_LATE))
    cluster.seen, cluster.every = healthy(workloads=workloads), 16
    reconciler = Reconciler(cluster, ACT)
    await worked(reconciler, 4)
    latest = cluster.remediations[1]
    assert (latest.latched, latest.waits) == (False, True)
    swaps = cluster.remediations[1].released_at
    await worked(reconciler, 4)
    assert cluster.remediations[1].released_at == swaps, "it is written once"
    cluster.seen = healthy()
    await worked(reconciler, 1)
    assert (cluster.remediations[1].waits, cluster.remediations[1].released_by) == (False, "serving")
