"""Restarting with a Locket of its own: its pods first, and the BBS pods after them without waiting."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.inputs import Action, DeletePod, Wait
from remediator.remediation import Phase, PlannedPod, Reason, Remediation, Request
from stagekeeper.diego.observation import Locket, ReadyPods, Reply
from tests.diego.observations import bbs, container, healthy, hung, observation, pod, unknown, workload
from tests.remediator.builders import (
    CF_LOCKET,
    locket_plan,
    plan,
    restarting,
)
from tests.remediator.test_restarting import BOTH, LEAVING, SOON, decided, victim


def own(uid: str = "locket-old", **changes: Any) -> Locket:
    ready = changes.get("ready") != "False"
    containers = (container("diego-locket", ready=ready),)
    found = pod(0, name="diego-locket-0", uid=uid, owner="diego-locket", containers=containers)
    return Locket(workload("diego-locket", replicas=1), (replace(found, **changes),))


TWO_STEPS = locket_plan([("diego-locket-0", "locket-old")], [("diego-api-0", "uid-0"), ("diego-api-1", "uid-1")])


def locket_decided(locket: Locket, *done: str, **seen: Any) -> tuple[Remediation, Action]:
    return decided(restarting(done, plan=TWO_STEPS), hung(locket=locket, **seen), environment=CF_LOCKET)


@pytest.mark.parametrize("accepted", ["locket_down", "cloud_controller_down"])
def test_an_old_pod_that_answers_503_since_then_hung_whatever_was_accepted(accepted: str) -> None:
    found = restarting(["diego-api-0"], plan=plan(accepted), request=Request("cf", person="kim", accept=accepted))
    seen = observation(bbs(0, uid="new", age=SOON), bbs(1, Reply.UNAVAILABLE))
    down = {"locket": own(ready="False")} if accepted == "locket_down" else {"cloud_controller": ReadyPods(0, 2)}
    seen = replace(seen, **down)
    assert victim(decided(found, seen)[1]) == BOTH[1]


def test_a_locket_whose_name_begins_with_the_bbs_own_is_not_counted_as_a_bbs() -> None:
    """Else the plan would stop after it: Locket alone, back again, leaves a BBS that answers 503 for ever."""
    bbs_set = workload("diego")
    pods = [bbs(each, owner="diego", name=f"diego-{each}") for each in range(2)]
    own_set = Locket(
        workload("diego-locket", replicas=1), (pod(0, name="diego-locket-0", uid="new", owner="diego-locket"),)
    )
    steps = [("diego-locket-0", "locket-old")], [("diego-0", "uid-0"), ("diego-1", "uid-1")]
    environment = replace(CF_LOCKET, statefulsets=("diego",))
    found = restarting(["diego-locket-0"], plan=locket_plan(*steps))
    seen = observation(*pods, workloads=(bbs_set,), locket=own_set)
    assert victim(decided(found, seen, environment=environment)[1]) == PlannedPod("diego-0", "uid-0")


def test_one_that_was_silent_while_locket_was_down_may_migrate_until_it_is_old() -> None:
    agreed = Request("cf", person="kim", accept="locket_down")
    found = restarting(["diego-locket-0"], plan=replace(TWO_STEPS, diagnosis="locket_down"), request=agreed)
    for age, deleted in ((timedelta(minutes=30), False), (timedelta(hours=30), True)):
        seen = observation(bbs(0, Reply.UNAVAILABLE, age=age), bbs(1), locket=own("new", ready="False"))
        action = decided(found, seen, environment=CF_LOCKET)[1]
        assert isinstance(action, DeletePod) == deleted


def test_lockets_pods_come_first() -> None:
    assert victim(locket_decided(own())[1]) == TWO_STEPS.steps[0].pods[0]


@pytest.mark.parametrize(
    "locket",
    [
        pytest.param(own(**LEAVING), id="ends"),
        pytest.param(replace(own(), pods=()), id="gone"),
        pytest.param(own("locket-new", ready="False"), id="back, and not ready"),
        pytest.param(own("locket-new"), id="back"),
    ],
)
def test_the_bbs_pods_follow_without_waiting_for_locket(locket: Locket) -> None:
    assert victim(locket_decided(locket, "diego-locket-0")[1]) == TWO_STEPS.steps[1].pods[0]


def test_the_second_pod_of_locket_follows_the_first_one_at_once() -> None:
    pods = [pod(each, name=f"diego-locket-{each}", uid=f"locket-{each}", owner="diego-locket") for each in range(2)]
    two = Locket(workload("diego-locket", replicas=2), (replace(pods[0], **LEAVING), pods[1]))
    made = locket_plan([(each.name, each.uid) for each in pods], [("diego-api-0", "uid-0"), ("diego-api-1", "uid-1")])
    _, action = decided(restarting(["diego-locket-0"], plan=made), hung(locket=two), environment=CF_LOCKET)
    assert victim(action) == made.steps[0].pods[1]


def test_a_late_restart_names_those_pods_of_locket_that_hold_it() -> None:
    pods = [pod(each, name=f"diego-locket-{each}", uid=f"l-{each}", owner="diego-locket") for each in range(2)]
    two = Locket(workload("diego-locket", replicas=2), (pods[0], replace(pods[1], ready="False")))
    found = restarting(["diego-locket-0"], plan=TWO_STEPS, age=2000)
    message = decided(found, hung(locket=two), environment=CF_LOCKET)[0].message
    assert " diego-locket-1 on node node-1 is Running, and not ready. This process " in message
    assert "diego-locket-0 on node" not in message


def test_a_bbs_that_was_scaled_down_after_lockets_restart_is_left_alone() -> None:
    scaled = hung(locket=own(), pods=(bbs(0),), workloads=(workload(replicas=1),))
    _, action = decided(restarting(["diego-locket-0"], plan=TWO_STEPS), scaled, environment=CF_LOCKET)
    assert action == Wait("StatefulSet diego-api was scaled down since the plan was made.")


def test_if_somebody_serves_after_lockets_restart_no_bbs_pod_is_deleted() -> None:
    after, _ = decided(
        restarting(["diego-locket-0"], plan=TWO_STEPS), healthy(locket=own("locket-new")), environment=CF_LOCKET
    )
    assert (after.phase, after.reason) == (Phase.VERIFYING, Reason.SOMEBODY_SERVES)


def test_locket_that_can_not_be_read_makes_it_wait() -> None:
    _, action = decided(restarting(plan=TWO_STEPS), hung(locket=unknown("HTTP 500")), environment=CF_LOCKET)
    assert isinstance(action, Wait)


def test_a_change_of_lockets_statefulset_that_its_controller_has_not_seen_yet_holds_the_next_delete() -> None:
    seen = own(uid="new")
    changed = Locket(replace(seen.workload, generation=seen.workload.generation + 1), seen.pods)
    held = locket_decided(changed, "diego-locket-0")[1]
    assert held == Wait("StatefulSet diego-locket has a change that its controller has not seen yet.")
    assert victim(locket_decided(seen, "diego-locket-0")[1]) == BOTH[0]
