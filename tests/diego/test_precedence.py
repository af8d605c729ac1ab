"""The first row that matches wins: observations in which a row and the next ones hold at the same time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego import diagnosis
from stagekeeper.diego.diagnosis import ROWS, diagnose
from stagekeeper.diego.observation import Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.kube.objects import Endpoints
from tests.diego import observations
from tests.diego.observations import ago, bbs, container, healthy, hung, locket, observation, pending, workload

MINUTE = timedelta(minutes=1)
LEAVING: dict[str, Any] = {"ends_at": observations.NOW + MINUTE}
LOOPING: dict[str, Any] = {"containers": (container(waiting="CrashLoopBackOff", ready=False, started_at=None),)}
ENDED: dict[str, Any] = {"containers": (container(ready=False, started_at=None, ended="Error", exit_code=1),)}
NO_SERVICE = Endpoints(0, 0)
UNLABELLED: dict[str, Any] = {"active": None}
BEHIND = workload(update_revision="diego-api-new")
UNSEEN = workload(generation=5)
UNREADABLE = Unknown("HTTP 500.")
LOST: dict[str, Any] = {"ready": "Unknown"}

BOTH_HOLD: dict[tuple[str, str], Observation] = {
    ("2", "3"): observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.OK), service=Reply.OK),
    ("2", "4"): observation(bbs(0, Reply.OK), bbs(1, Reply.NO_REPLY)),
    ("2", "5"): observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.TLS)),
    ("2", "6"): observation(bbs(0, Reply.TLS), bbs(1, Reply.TLS), service=Reply.OK),
    ("2", "7"): observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1, Reply.UNAVAILABLE)),
    ("2", "10"): observation(bbs(0, Reply.OK), bbs(1, Reply.OK), steady=False),
    ("2", "12"): observation(bbs(0, Reply.OK), bbs(1, Reply.OK), bbs(2, **LEAVING)),
    ("3", "3a"): observation(bbs(0, Reply.OK, active=True, **LEAVING), bbs(1), service=Reply.OK),
    ("3a", "3b"): observation(bbs(0, Reply.OK, **LEAVING), bbs(1, Reply.OK), endpoints=NO_SERVICE),
    ("3a", "4"): observation(bbs(0, Reply.OK, **LEAVING), bbs(1, Reply.OK)),
    ("3a", "5"): observation(bbs(0, Reply.OK, **LEAVING), bbs(1, Reply.OK, active=True)),
    ("3a", "7"): observation(bbs(0, Reply.OK, **LEAVING), bbs(1, Reply.UNAVAILABLE, age=MINUTE)),
    ("3a", "8"): observation(bbs(0, Reply.TLS, **LEAVING), bbs(1)),
    ("3a", "12"): observation(bbs(0, Reply.OK, **LEAVING), bbs(1)),
    ("3b", "4"): observation(bbs(0, Reply.OK), bbs(1), endpoints=NO_SERVICE),
    ("3b", "5"): observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.DNS, endpoints=NO_SERVICE),
    ("3", "7"): observation(
        bbs(0, Reply.OK, active=True, **LEAVING), bbs(1, Reply.UNAVAILABLE, age=MINUTE), service=Reply.OK
    ),
    ("3", "10"): healthy(workloads=UNREADABLE),
    ("3", "11"): healthy(workloads=(workload(replicas=0),)),
    ("3", "14"): healthy(database=False),
    ("3", "21"): observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.TIMEOUT), service=Reply.OK, control=""),
    ("4", "5"): observation(bbs(0, Reply.OK, active=False), bbs(1), service=Reply.DNS),
    ("4", "10"): observation(bbs(0, Reply.OK), bbs(1), steady=False),
    ("5", "13"): observation(bbs(0, Reply.OK, active=True), bbs(1), workloads=(BEHIND,)),
    ("6", "7"): observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1), service=Reply.OK),
    ("6", "7b"): observation(bbs(0, Reply.UNAVAILABLE), bbs(1), service=Reply.OK),
    ("6", "8"): observation(bbs(0, Reply.TLS), bbs(1), service=Reply.OK),
    ("6", "10"): hung(service=Probe(Reply.OK), workloads=UNREADABLE),
    ("6", "20"): observation(bbs(0, Reply.TIMEOUT), bbs(1), service=Reply.OK, control="cluster DNS"),
    ("7", "13"): observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1), workloads=(BEHIND,)),
    ("7", "17"): observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1)),
    ("7b", "10"): observation(bbs(0, Reply.UNAVAILABLE), bbs(1), steady=False),
    ("7b", "14"): observation(bbs(0, Reply.UNAVAILABLE), bbs(1), database=False),
    ("7", "8b"): observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE), bbs(1, Reply.CLOSED)),
    ("7c", "8b"): observation(bbs(0, Reply.CERTIFICATE_REFUSED), bbs(1, Reply.CLOSED)),
    ("8", "8b"): observation(bbs(0, Reply.TLS), bbs(1, Reply.CLOSED)),
    ("8b", "9"): observation(bbs(0, Reply.CLOSED), bbs(1, Reply.NO_REPLY)),
    ("8b", "10"): observation(bbs(0, Reply.CLOSED), bbs(1, UNREADABLE)),
    ("8", "10"): observation(bbs(0, Reply.TLS), bbs(1, UNREADABLE)),
    ("9", "10"): observation(bbs(0, Reply.NO_REPLY), bbs(1), steady=False),
    ("9", "17"): observation(bbs(0, Reply.NO_REPLY, age=MINUTE), bbs(1)),
    ("10", "11"): observation(workloads=(workload(replicas=0),), steady=False),
    ("10", "12"): observation(bbs(0, **LEAVING), bbs(1), steady=False),
    ("10", "14"): observation(bbs(0), bbs(1, UNREADABLE), database=False),
    ("10", "16"): observation(bbs(0, **LOOPING), bbs(1, UNREADABLE)),
    ("11", "12"): observation(bbs(0, **LEAVING), workloads=(workload(replicas=0),)),
    ("11", "13"): observation(workloads=(workload(replicas=0, generation=5),)),
    ("12", "13"): observation(bbs(0, **LEAVING), bbs(1), workloads=(UNSEEN,)),
    ("12", "18"): observation(bbs(0, **LEAVING), pending(1, age=20 * MINUTE)),
    ("12", "22"): observation(bbs(0, ends_at=ago(5 * MINUTE)), bbs(1), cloud_controller=ReadyPods(0, 2)),
    ("13", "14"): hung(workloads=(BEHIND,), database=False),
    ("13", "16"): observation(bbs(0), bbs(1, **LOOPING), workloads=(BEHIND,)),
    ("14", "15"): observation(bbs(0, Reply.TIMEOUT, **LOST), bbs(1), database=False),
    ("14", "16"): observation(bbs(0, **LOOPING), bbs(1), database=False),
    ("14", "17"): observation(bbs(0, age=MINUTE), bbs(1), database=False),
    ("15", "16"): observation(bbs(0, Reply.TIMEOUT, **LOST), bbs(1, **LOOPING)),
    ("15", "20"): observation(bbs(0, Reply.TIMEOUT, **LOST), bbs(1), control="cluster DNS"),
    ("15", "21"): observation(bbs(0, Reply.TIMEOUT, **LOST), bbs(1, Reply.TIMEOUT), control=""),
    ("16", "17"): observation(bbs(0, age=MINUTE, **LOOPING), bbs(1)),
    ("16", "18"): observation(bbs(0, **LOOPING), pending(1, age=20 * MINUTE)),
    ("17", "18"): observation(bbs(0, age=MINUTE), pending(1, age=20 * MINUTE)),
    ("17", "19"): observation(bbs(0, age=MINUTE), bbs(1), locket=locket("False")),
    ("17", "21"): observation(bbs(0, Reply.TIMEOUT, age=MINUTE), bbs(1), control=""),
    ("17", "25"): observation(bbs(0, age=MINUTE), bbs(1)),
    ("18", "19"): observation(bbs(0), pending(1, age=20 * MINUTE), locket=locket("False")),
    ("18", "21"): observation(bbs(0, Reply.TIMEOUT), pending(1, age=20 * MINUTE), control=""),
    ("19", "20"): observation(bbs(0, Reply.TIMEOUT), bbs(1), locket=locket("False"), control="cluster DNS"),
    ("19", "22"): hung(locket=locket("False"), cloud_controller=ReadyPods(0, 2)),
    ("18", "20"): observation(bbs(0, Reply.TIMEOUT), bbs(1, **ENDED)),
    ("18", "22"): observation(bbs(0, **ENDED), bbs(1), cloud_controller=ReadyPods(0, 2)),
    ("18", "23"): observation(bbs(0, active=True), bbs(1, **ENDED)),
    ("18", "25"): observation(bbs(0, **ENDED), bbs(1)),
    ("20", "21"): observation(bbs(0, Reply.TIMEOUT), bbs(1), control="cluster DNS"),
    ("22", "23"): observation(bbs(0, active=True), bbs(1), cloud_controller=ReadyPods(0, 2)),
    ("22", "24"): observation(bbs(0, **UNLABELLED), bbs(1, **UNLABELLED), cloud_controller=ReadyPods(0, 2)),
    ("22", "25"): hung(cloud_controller=ReadyPods(0, 2)),
    ("23", "25"): observation(bbs(0, active=True), bbs(1)),
    ("24", "25"): observation(bbs(0, **UNLABELLED), bbs(1, **UNLABELLED)),
}
"""By the numbers of the row that must win and of one further down whose condition holds too.

Neighbours that are not here exclude each other: 1 and 2, 1 and 6, 5 and 6, 7 and 7b, 21 and 22, 23 and 24.
"""


@pytest.mark.parametrize("pair", BOTH_HOLD, ids=" before ".join)
def test_the_first_row_that_matches_wins(pair: tuple[str, str]) -> None:
    assert diagnose(BOTH_HOLD[pair]).row == pair[0]


@pytest.mark.parametrize("pair", BOTH_HOLD, ids=" and ".join)
def test_both_conditions_of_a_pair_hold(pair: tuple[str, str]) -> None:
    assert dict(ROWS)[pair[1]](BOTH_HOLD[pair]) is not None


def test_a_503_is_a_migration_or_stuck_but_never_both() -> None:
    for seen in (observation(bbs(0, Reply.UNAVAILABLE, age=MINUTE)), observation(bbs(0, Reply.UNAVAILABLE))):
        assert (diagnosis.migrating(seen) is None) != (diagnosis.stuck_unavailable(seen) is None)


def test_an_active_pod_hides_nothing_of_what_else_was_found() -> None:
    seen = replace(healthy(), database=False, cloud_controller=ReadyPods(0, 2))
    evidence = diagnose(seen).evidence
    assert "Database: not reachable." in evidence
    assert "Cloud Controller: 0 of 2 pods Ready." in evidence
