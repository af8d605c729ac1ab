"""Verifying: recovered only when everything is proven, several looks in a row; waited for as long as is normal."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.decision import decide
from remediator.inputs import Close, Wait
from remediator.remediation import Phase, Reason, Remediation, Step
from remediator.streaks import InPhase, Streaks
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Reply
from stagekeeper.diego.profiles import ReadinessMeaning
from tests.diego.observations import ago, bbs, container, observation, pending, pod, unknown, workload
from tests.remediator.builders import at, follow, inputs, plan, planned, restarting

YOUNG = timedelta(minutes=2)
LONG = timedelta(minutes=10)
MIGRATES = "503 from diego-api-0: it may be migrating its database, and a restart would begin that again."


def verifying(age: float = 0, **changes: Any) -> Remediation:
    found = restarting(["diego-api-0", "diego-api-1"], age=age, **changes)
    return replace(found, phase=Phase.VERIFYING)


def back(
    first: Reply = Reply.OK, second: Reply = Reply.REFUSED, *, age: timedelta = YOUNG, **changes: Any
) -> Observation:
    serves = first is Reply.OK
    pods = (bbs(0, first, active=serves, age=age, uid="new-0"), bbs(1, second, age=age, uid="new-1"))
    return replace(observation(*pods, service=Reply.OK if serves else Reply.TIMEOUT), **changes)


def _new(found: BbsPod) -> BbsPod:
    return replace(found, pod=replace(found.pod, uid="newer"))


def verdict(found: Remediation, *seen: Observation) -> Remediation:
    return follow(found, [at(index * 5, each) for index, each in enumerate(seen)])[0]


def waits(found: Remediation, seen: Observation) -> str:
    after, _, action = decide(found, inputs(at(0, seen)))
    assert after.phase is Phase.VERIFYING
    assert isinstance(action, Wait)
    return action.why


def test_three_complete_observations_in_a_row_are_a_recovery() -> None:
    assert verdict(verifying(), back(), back()).phase is Phase.VERIFYING
    assert waits(verifying(), back()) == "Checking again to be sure."
    found = verdict(verifying(), back(), back(), back())
    assert (found.phase, found.reason) == (Phase.RECOVERED, Reason.SERVING)
    assert found.message == "diego-api-0 is the active BBS and the Service routes to it."


def test_one_bad_observation_begins_the_count_anew() -> None:
    bad = back(Reply.REFUSED)
    assert verdict(verifying(), back(), back(), bad, back(), back()).phase is Phase.VERIFYING
    assert verdict(verifying(), back(), back(), bad, back(), back(), back()).phase is Phase.RECOVERED


def test_a_sidecar_that_is_not_ready_is_remarked() -> None:
    sidecar = (container(age=YOUNG), container("loggregator-agent", ready=False))
    seen = observation(bbs(0, Reply.OK, active=True, uid="a", containers=sidecar), bbs(1, uid="b"), service=Reply.OK)
    found = verdict(verifying(), *[replace(seen, bbs_container="diego-api")] * 3)
    assert found.phase is Phase.RECOVERED
    assert found.message.endswith("Not ready: container loggregator-agent of diego-api-0.")


@pytest.mark.parametrize(
    ("seen", "missing"),
    [
        (
            observation(bbs(0, Reply.OK, active=True), bbs(1, uid="new"), service=Reply.OK),
            "diego-api-0 has not ended yet.",
        ),
        (back(pods=(bbs(0, Reply.OK, active=True, uid="new"),)), "1 of 2 pods are not back yet."),
        (
            observation(bbs(0, Reply.OK, active=True, uid="a"), _new(pending(1, age=YOUNG)), service=Reply.OK),
            "diego-api-1 is not ready yet.",
        ),
        (
            back(pods=unknown("HTTP 500")),
            "This check could not tell. The pods could not be read: HTTP 500.",
        ),
        (
            back(steady=False),
            "This check could not tell. diego-api-0 is the active BBS and the Service routes to it.",
        ),
        (
            back(Reply.REFUSED),
            "Not proven yet. diego-api-0 and diego-api-1 started less than 5 minutes ago.",
        ),
        (
            back(Reply.UNAVAILABLE),
            f"Not proven yet. {MIGRATES}",
        ),
        (
            back(Reply.OK, Reply.OK),
            "Not proven yet. diego-api-0 and diego-api-1 listen at once, but only one may hold the lock.",
        ),
        (
            back(service=at(0, back(Reply.REFUSED)).observation.service),
            "Not proven yet. diego-api-0 is the active BBS, but the Service does not route to it (timeout).",
        ),
        (back(locket=Locket(workload(replicas=1), ())), "Locket's pods are not all ready: 1 missing."),
        (
            back(locket=Locket(workload(replicas=3), (pod(0, uid="l", ready="False"), pod(1, uid="m")))),
            "Locket's pods are not all ready: diego-api-0, 1 missing.",
        ),
        (
            back(locket=Locket(workload(replicas=1), (pod(0, uid="l", ready="False", containers=()),))),
            "Locket's pods are not all ready: diego-api-0.",
        ),
        (back(locket=Locket(workload(replicas=0), ())), "Locket's pods are not all ready: none."),
    ],
)
def test_whatever_is_missing_is_named(seen: Observation, missing: str) -> None:
    assert waits(verifying(), seen) == missing


def test_a_bbs_container_that_is_not_ready_is_not_back() -> None:
    unready = (container(ready=False),)
    seen = observation(bbs(0, Reply.OK, active=True, uid="a"), bbs(1, uid="b", containers=unready), service=Reply.OK)
    assert waits(verifying(), seen) == "diego-api-1 is not ready yet."
    assert verdict(verifying(), *[replace(seen, readiness=ReadinessMeaning.ACTIVE)] * 3).phase is Phase.RECOVERED


def test_a_pod_that_served_in_time_and_was_not_deleted_need_not_be_new() -> None:
    """Incident 15b: after the first delete the other planned pod takes the lock."""
    half = replace(restarting(["diego-api-0"]), phase=Phase.VERIFYING)
    seen = observation(bbs(0, uid="new"), bbs(1, Reply.OK, active=True), service=Reply.OK)
    assert verdict(half, seen, seen, seen).phase is Phase.RECOVERED


def test_three_minutes_after_the_pods_are_ready_it_was_no_cure() -> None:
    refused = back(Reply.REFUSED, age=timedelta(seconds=180))
    assert verdict(verifying(179), refused).phase is Phase.VERIFYING
    found = verdict(verifying(180), refused)
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.NOT_SERVING)
    assert found.message == (
        "The pods are back, but the restart did not fix it. "
        "Deleted: diego-api-0, diego-api-1. Not deleted: none. "
        "Answers now: diego-api-0 refused, diego-api-1 refused, Service timeout. "
        "Next: kubectl logs -n cf -l 'skiff-role-name=diego-api' --all-containers --prefix --tail=50"
    ), "that the new pods are young explains nothing"
    assert found.latched


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ((), "No pod was restarted, and the stager does not work. "),
        (("diego-api-0",), "After the restart the stager does not work. diego-api-0 is the active BBS but"),
    ],
)
def test_a_bbs_that_serves_where_the_service_does_not_lead_is_not_called_a_restart_that_failed(
    done: Sequence[str], said: str
) -> None:
    seen = observation(bbs(0, Reply.OK, active=False, uid="new"), bbs(1, uid="other"))
    found = verdict(replace(restarting(done, age=4000), phase=Phase.VERIFYING), seen)
    assert found.reason is Reason.NOT_SERVING
    assert found.message.startswith(said)


def test_the_three_minutes_begin_when_the_last_pod_became_ready() -> None:
    assert verdict(verifying(1000), back(Reply.REFUSED, age=timedelta(seconds=179))).phase is Phase.VERIFYING


@pytest.mark.parametrize(("age", "phase"), [(3599, Phase.VERIFYING), (3600, Phase.ESCALATED)])
def test_a_migration_after_the_restart_is_waited_for_an_hour(age: float, phase: Phase) -> None:
    assert verdict(verifying(age), back(Reply.UNAVAILABLE, age=timedelta(seconds=age))).phase is phase


def test_a_migration_that_ends_is_a_recovery() -> None:
    """Incident 18."""
    migrating, serving = back(Reply.UNAVAILABLE, age=LONG), back(age=LONG)
    assert verdict(verifying(600), *[migrating] * 9, *[serving] * 3).phase is Phase.RECOVERED


def test_a_pod_stuck_terminating_is_waited_for_its_grace_and_then_named_with_its_node() -> None:
    stuck = observation(bbs(0, ends_at=ago(-LONG)), bbs(1, Reply.OK, active=True, uid="new"), service=Reply.OK)
    assert verdict(verifying(1200), stuck).phase is Phase.VERIFYING
    found = verdict(verifying(1201), stuck)
    assert (found.phase, found.reason) == (Phase.ESCALATED, Reason.PODS_LATE)
    assert found.message == (
        "The pods are not back in time. diego-api-0 has not ended yet. diego-api-0 on node node-0 is Terminating. "
        "That is later than 20 minutes after the deletion. Deleted: diego-api-0, diego-api-1. Not deleted: none. "
        "Answers now: diego-api-0 refused, diego-api-1 ok, Service ok. Next: kubectl describe pod -n cf diego-api-0"
    )


SLOW_LOCKET = replace(plan(), steps=(Step("diego-locket", planned("diego-locket-0"), 600), *plan(deadline=1200).steps))


@pytest.mark.parametrize(
    ("seen", "allowed"),
    [
        (back(locket=Locket(workload("diego-locket", replicas=1), ())), 600),
        (back(pods=(bbs(0, Reply.OK, active=True, uid="new"),)), 1200),
        (back(pods=(bbs(0, ends_at=ago(-LONG)), bbs(1, Reply.OK, active=True, uid="new"))), 1200),
        (back(pods=(bbs(0, ends_at=ago(-LONG), owner=None), bbs(1, Reply.OK, active=True, uid="new"))), 1200),
        (back(pods=(bbs(0, ends_at=ago(-LONG), owner="diego-locket"), bbs(1, Reply.OK, uid="new"))), 600),
    ],
    ids=["Locket", "a BBS pod", "a BBS pod that ends", "nobody knows whose", "a pod of Locket that ends"],
)
def test_each_workloads_pods_have_their_own_time(seen: Observation, allowed: int) -> None:
    found = restarting(["diego-api-0", "diego-api-1"], plan=SLOW_LOCKET)
    for late, phase in ((0, Phase.VERIFYING), (1, Phase.ESCALATED)):
        assert (
            verdict(replace(found, phase=Phase.VERIFYING, created=ago(timedelta(seconds=allowed + late))), seen).phase
            is phase
        )


def test_a_pod_that_stays_pending_is_named() -> None:
    seen = observation(_new(pending(0, age=LONG)), bbs(1, uid="new"))
    found = verdict(verifying(1201), seen)
    assert "diego-api-0 on node none is Pending." in found.message


def test_a_container_that_waits_is_told_by_its_reason() -> None:
    waiting = (container(ready=False, waiting="ImagePullBackOff"),)
    seen = observation(bbs(0, uid="a", containers=waiting, ready="False"), bbs(1, uid="b"))
    assert "diego-api-0 on node node-0 is ImagePullBackOff." in verdict(verifying(1201), seen).message


def test_one_blind_observation_is_no_failure_however_late() -> None:
    assert verdict(verifying(1900), back(pods=unknown("HTTP 500"))).phase is Phase.VERIFYING


def test_no_deadline_is_judged_by_a_blind_observation() -> None:
    """Somebody hears of it all the same: the remediation is overdue by the reconciler's own clock."""
    assert verdict(verifying(3600), back(pods=unknown("HTTP 500"))).phase is Phase.VERIFYING


def test_a_blind_observation_neither_counts_nor_spoils() -> None:
    blind = back(pods=unknown("HTTP 500"))
    assert verdict(verifying(), back(), blind, back(), blind).phase is Phase.VERIFYING
    assert verdict(verifying(), back(), blind, back(), blind, back()).phase is Phase.RECOVERED


def test_no_failure_is_written_in_an_observation_that_says_serving() -> None:
    old = timedelta(minutes=30)
    assert verdict(verifying(1800), back(age=old)).phase is Phase.VERIFYING


def test_the_three_minutes_begin_when_locket_is_back_too() -> None:
    """A BBS takes the lock one time to live after Locket's return."""
    young = pod(0, name="diego-locket-0", uid="l", owner="diego-locket", ready_since=ago(timedelta(seconds=20)))
    seen = back(Reply.REFUSED, age=timedelta(minutes=8), locket=Locket(workload("diego-locket", replicas=1), (young,)))
    assert verdict(verifying(480), seen).phase is Phase.VERIFYING


def test_one_bad_observation_among_good_ones_is_no_failure() -> None:
    """The probe of a BBS that began to serve in the last moment may lose a packet."""
    old = timedelta(minutes=5)
    observations = [back(age=old), back(Reply.REFUSED, age=old), *[back(age=old)] * 3]
    assert verdict(verifying(400), *observations).phase is Phase.RECOVERED


def test_a_service_that_flaps_for_an_hour_is_no_recovery() -> None:
    flapping: Sequence[Observation] = [back(age=LONG), back(Reply.REFUSED, age=LONG)] * 3
    assert verdict(verifying(3600), *flapping).phase is Phase.ESCALATED


SEEN = InPhase("diego-api-r1", "Verifying", timedelta(0), 1000.0)


def test_a_remembered_count_of_another_process_is_not_needed() -> None:
    found, streaks, action = decide(verifying(), inputs(at(0, back()), streaks=Streaks(complete=2, in_phase=SEEN)))
    assert (found.phase, streaks.complete, action) == (Phase.RECOVERED, 3, Close())
