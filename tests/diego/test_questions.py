"""What the remediator asks of an observation: who serves, and who must be Ready again."""

from dataclasses import replace

import pytest

from stagekeeper.diego.observation import Locket, Probe, Reply
from stagekeeper.diego.profiles import ActiveLabel, ReadinessMeaning
from stagekeeper.diego.questions import labelled_apart, unready
from tests.diego.observations import bbs, container, observation, pod, workload

ACCEPTS = Probe(Reply.OK, "accepts TCP", by_tcp=True)


@pytest.mark.parametrize("active", [True, False, None])
@pytest.mark.parametrize("service", [Reply.OK, Reply.TIMEOUT])
def test_a_tcp_accept_counts_as_serving_where_label_or_service_confirm_it(active: bool | None, service: Reply) -> None:  # noqa: FBT001 -- drawn
    seen = observation(bbs(0, ACCEPTS, active=active), bbs(1, active=None), service=service)
    assert bool(seen.serving()) is (active is not False or service is Reply.OK)


@pytest.mark.parametrize("active", [True, False, None])
@pytest.mark.parametrize("service", [Reply.OK, Reply.TIMEOUT])
def test_a_ping_that_is_answered_needs_no_confirmation(active: bool | None, service: Reply) -> None:  # noqa: FBT001 -- drawn
    assert observation(bbs(0, Reply.OK, active=active), bbs(1), service=service).serving()


def test_locket_is_ready_once_every_container_of_its_own_is() -> None:
    own = (container("locket"), container("locket-migrate", ready=False), container("loggregator-agent", ready=False))
    half = pod(0, ready="False", containers=own)
    assert not Locket(workload(replicas=1), (half,)).all_ready
    assert Locket(workload(replicas=1), (replace(half, containers=(own[0], own[2])),)).all_ready


def test_one_that_answers_is_not_told_from_another_by_its_label() -> None:
    assert labelled_apart([bbs(0, ACCEPTS), bbs(1, ACCEPTS, active=True)])
    assert not labelled_apart([bbs(0, ACCEPTS), bbs(1, Reply.OK, active=True)])


def test_without_a_name_every_container_speaks_for_the_bbs() -> None:
    half = bbs(0, containers=(container(), container("loggregator-agent", ready=False, started_at=None))).pod
    seen = observation(bbs(0))
    assert (seen.bbs_ready(half), seen.bbs_runs(half)) == (False, False)
    named = replace(seen, bbs_container="diego-api")
    assert (named.bbs_ready(half), named.bbs_runs(half)) == (True, True)
    assert (seen.bbs_ready(pod(containers=())), seen.bbs_runs(pod(containers=()))) == (False, False)


def test_who_must_be_ready_again_is_the_platforms_to_say() -> None:
    idle = (container(ready=False), container("loggregator-agent"))
    seen = observation(bbs(0, Reply.OK), bbs(1, containers=idle), bbs_container="diego-api")
    assert [each.pod.name for each in unready(seen)] == ["diego-api-1"]
    active = observation(bbs(0, Reply.OK), bbs(1, containers=idle), readiness=ReadinessMeaning.ACTIVE)
    assert unready(active) == []
    waits = observation(bbs(0, Reply.OK, containers=idle), bbs(1), readiness=ReadinessMeaning.ACTIVE)
    assert [each.pod.name for each in unready(waits)] == ["diego-api-0"]


def test_a_label_on_one_of_two_pods_is_set_by_the_platform() -> None:
    label = ActiveLabel("active", "true", may_be_absent=True)
    assert label.unused([{}, {}])
    assert not label.unused([{"active": "true"}, {}])
    assert not ActiveLabel("active", "true").unused([{}, {}])
