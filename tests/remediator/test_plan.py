"""What a restart would terminate, and whether that is within bounds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from remediator import gates, plan
from remediator.remediation import Outcome, PlannedPod
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.profiles import Environment
from tests.diego.observations import bbs, hung, locket, observation, pod, unknown, workload
from tests.remediator.builders import ACT, CF, CF_LOCKET, at, inputs

MARGIN = timedelta(seconds=300)
OTHER = {"controller-revision-hash": "diego-api-old"}
WITH_LOCKET = hung(locket=replace(locket(), pods=(pod(0, name="diego-locket-0", uid="uid-l", owner="diego-locket"),)))


def test_the_plan_of_the_tutorial_is_one_step_with_every_bbs_pod() -> None:
    made = plan.make(hung(), "no_active_bbs", MARGIN)
    assert [(step.workload, step.pods) for step in made.steps] == [
        ("diego-api", (PlannedPod("diego-api-0", "uid-0"), PlannedPod("diego-api-1", "uid-1")))
    ]


def test_a_step_has_its_pods_grace_and_five_minutes_for_each_replica() -> None:
    (step,) = plan.make(hung(), "no_active_bbs", MARGIN).steps
    assert step.deadline_seconds == 600 + 2 * 300


def test_locket_comes_first_where_it_has_its_own_statefulset() -> None:
    made = plan.make(WITH_LOCKET, "no_active_bbs", MARGIN)
    assert [step.workload for step in made.steps] == ["diego-locket", "diego-api"]
    assert made.steps[0].pods == (PlannedPod("diego-locket-0", "uid-l"),)


def test_zones_with_statefulsets_of_their_own_are_one_step() -> None:
    sets = (workload("z0-diego-api", replicas=1), workload("z1-diego-api", replicas=1))
    assert plan.make(hung(workloads=sets), "x", MARGIN).steps[0].workload == "z0-diego-api+z1-diego-api"


def bounds(seen: Observation, environment: Environment = CF, largest: int = 6) -> tuple[Outcome, str]:
    found = gates.bounds(
        inputs(at(0, seen), environment=environment, policy=ACT.model_copy(update={"largest_plan": largest}))
    )
    return found.outcome, found.why


def test_the_configured_pods_pass() -> None:
    assert bounds(hung()) == (Outcome.PASS, "Pods match the configured StatefulSet; their revision is current.")
    assert bounds(WITH_LOCKET, CF_LOCKET)[0] is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (hung(workloads=unknown("HTTP 500")), "The pods and their StatefulSet could not be read."),
        (hung(pods=unknown("HTTP 500")), "The pods and their StatefulSet could not be read."),
        (observation(bbs(0), workloads=(workload(),)), "2 pods are asked for, and 1 are seen."),
        (observation(bbs(0), bbs(1), bbs(2), workloads=(workload(),)), "2 pods are asked for, and 3 are seen."),
        (
            observation(bbs(0), bbs(1, labels=OTHER)),
            "StatefulSet diego-api is being rolled out: diego-api-1 is still of an older revision.",
        ),
    ],
)
def test_what_may_still_come_right_is_not_yet(seen: Observation, why: str) -> None:
    assert bounds(seen) == (Outcome.NOT_YET, why)


KEPT = "diego-api-0 is of another revision than the newest of StatefulSet diego-api"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (hung(workloads=()), "The configured StatefulSet diego-api does not exist."),
        (observation(bbs(0), bbs(1, owner="kube-dns")), "diego-api-1 does not belong to a configured StatefulSet."),
        (observation(bbs(0), bbs(1, owner=None)), "diego-api-1 does not belong to a configured StatefulSet."),
        (
            hung(workloads=(workload(update_strategy="OnDelete", update_revision="new"),)),
            f"{KEPT} (OnDelete): a restart might change what runs there.",
        ),
        (
            hung(workloads=(workload(partition=1, update_revision="new"),)),
            f"{KEPT} (partition 1): a restart might change what runs there.",
        ),
        (
            observation(*(bbs(each) for each in range(7))),
            "A restart would terminate 7 pods; the largest plan has 6.",
        ),
    ],
)
def test_what_a_person_must_mend_is_never(seen: Observation, why: str) -> None:
    assert bounds(seen) == (Outcome.NEVER, why)


def test_on_delete_with_equal_hashes_brings_the_pods_back_as_they_were() -> None:
    assert bounds(hung(workloads=(workload(update_strategy="OnDelete"),)))[0] is Outcome.PASS


def test_locket_that_could_not_be_read_is_not_yet() -> None:
    assert bounds(hung(locket=unknown("HTTP 500")), CF_LOCKET)[0] is Outcome.NOT_YET


def test_lockets_pods_count_and_are_held_to_the_same_bounds() -> None:
    assert bounds(WITH_LOCKET, CF_LOCKET, largest=2)[0] is Outcome.NEVER
    stranger = replace(WITH_LOCKET, locket=replace(locket(), pods=(pod(0, owner="someone"),)))
    assert bounds(stranger, CF_LOCKET)[0] is Outcome.NEVER
