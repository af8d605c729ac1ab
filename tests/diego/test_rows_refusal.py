"""Rows 19 to 26 of docs/diagnosis.md: nobody listens, and the question is why."""

from dataclasses import replace

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Probe, ReadyPods, Reply, Unknown
from tests.diego.judging import ACCEPTING, NO_ACTIVE_BBS, NOT_READY, SIDECAR, judged, row
from tests.diego.observations import bbs, container, hung, locket, observation

# Row 19


@pytest.mark.parametrize("broken", [locket(), locket("False"), locket("True", replicas=2), locket(replicas=0)])
def test_a_locket_of_its_own_that_is_not_all_ready_is_down(broken: object) -> None:
    assert judged(replace(hung(), locket=broken)) == row("19", Condition.LOCKET_DOWN, Restart.NEVER)  # type: ignore[arg-type]


def test_a_locket_of_its_own_that_is_ready_and_hangs_is_cured_by_a_restart() -> None:
    assert judged(hung(locket=locket("True"))) == NO_ACTIVE_BBS


# Rows 20 and 21


@pytest.mark.parametrize("other", [Reply.REFUSED, Reply.TIMEOUT])
def test_a_silent_pod_beside_a_control_that_answers_is_a_network_fault(other: Reply) -> None:
    seen = observation(bbs(0, Reply.TIMEOUT), bbs(1, other), control="port 8891 of diego-api-0")
    assert judged(seen) == row("20", Condition.NETWORK_FAULT, Restart.NEVER)


@pytest.mark.parametrize("control", ["", NOT_CONFIGURED, Unknown("No time left.")])
def test_a_silent_pod_without_a_control_that_answers_is_the_observers_fault(control: object) -> None:
    seen = observation(bbs(0, Reply.TIMEOUT), bbs(1), control=control)
    assert judged(seen) == row("21", Condition.OBSERVER_FAULT, Restart.NOT_YET)


# Rows 22 to 26


@pytest.mark.parametrize("ready", [ReadyPods(0, 2), ReadyPods(0, 0)])
def test_no_ready_cloud_controller_is_a_wider_fault(ready: ReadyPods) -> None:
    assert judged(hung(cloud_controller=ready)) == row("22", Condition.CLOUD_CONTROLLER_DOWN, Restart.NEVER)


@pytest.mark.parametrize("ready", [ReadyPods(1, 2), NOT_CONFIGURED])
def test_one_ready_cloud_controller_is_enough(ready: object) -> None:
    assert judged(replace(hung(), cloud_controller=ready)) == NO_ACTIVE_BBS  # type: ignore[arg-type]


def test_a_ready_pod_that_is_labelled_active_and_refuses_contradicts_us() -> None:
    seen = observation(bbs(0, active=True), bbs(1))
    assert judged(seen) == row("23", Condition.LABEL_CONTRADICTS, Restart.NEVER)


@pytest.mark.parametrize("ready", ["False", "Unknown", None])
def test_the_label_of_a_pod_that_is_not_ready_says_nothing(ready: str | None) -> None:
    assert judged(observation(bbs(0, active=True, ready=ready), bbs(1))) == NO_ACTIVE_BBS


def test_a_bbs_container_that_is_not_ready_means_pods_not_ready() -> None:
    seen = observation(bbs(0, containers=(NOT_READY, SIDECAR)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == row("24", Condition.PODS_NOT_READY, Restart.NEVER)


def test_a_sidecar_that_is_not_ready_does_not_matter_where_the_bbs_container_is_named() -> None:
    sidecar = replace(SIDECAR, ready=False)
    seen = observation(bbs(0, containers=(container(), sidecar)), bbs(1), bbs_container="diego-api")
    assert judged(seen) == NO_ACTIVE_BBS
    assert judged(replace(seen, bbs_container=None)) == row("24", Condition.PODS_NOT_READY, Restart.NEVER)


def test_a_pod_without_containers_is_not_ready() -> None:
    assert judged(observation(bbs(0, containers=()), bbs(1))) == row("24", Condition.PODS_NOT_READY, Restart.NEVER)


def test_a_passive_pod_need_not_be_ready_where_the_profile_says_so() -> None:
    seen = observation(bbs(0, containers=(NOT_READY, SIDECAR)), bbs(1), passive_is_ready=False)
    assert judged(seen) == NO_ACTIVE_BBS


@pytest.mark.parametrize("service", [Reply.REFUSED, Reply.TIMEOUT, Reply.DNS])
@pytest.mark.parametrize("pods", [1, 2, 3])
def test_pods_that_all_refuse_have_no_active_bbs_however_the_service_fails(service: Reply, pods: int) -> None:
    assert judged(observation(*(bbs(each) for each in range(pods)), service=service)) == NO_ACTIVE_BBS


@pytest.mark.parametrize("part", ["database", "locket", "cloud_controller"])
def test_a_part_that_could_not_be_read_forbids_the_cure(part: str) -> None:
    found = diagnose(replace(hung(), **{part: Unknown("HTTP 403.")}))  # type: ignore[arg-type]
    assert (found.row, found.name, found.restart) == ("26", Condition.OBSERVER_FAULT, Restart.NOT_YET)
    assert "HTTP 403." in found.why


@pytest.mark.parametrize("service", [each for each in ACCEPTING if each is not Reply.OK])
def test_a_service_behind_which_somebody_listens_forbids_the_cure(service: Reply) -> None:
    found = diagnose(hung(service=Probe(service)))
    assert (found.row, found.name, found.restart) == ("26", Condition.OBSERVER_FAULT, Restart.NOT_YET)
    assert found.why == f"Every pod refuses, but something behind the Service listens ({service})."
