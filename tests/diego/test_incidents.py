"""The incidents of the corpus, each as the observation that decides it.

What happens over time is the remediator's to prove.

The numbers are those of the corpus; an incident that is about webhooks, crashes or silences has the observation that
its story begins with.
"""

from datetime import timedelta
from typing import Any

import pytest

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import NOT_CONFIGURED, Observation, Probe, ReadyPods, Reply
from tests.diego import observations
from tests.diego.observations import ago, bbs, container, healthy, hung, locket, observation, pending, workload

MINUTE = timedelta(minutes=1)
LOOPING: dict[str, Any] = {
    "containers": (container(waiting="CrashLoopBackOff", ready=False, restarts=6, started_at=None),)
}
EXPIRED = Probe(Reply.TLS, "certificate has expired", certificate_ends=ago(timedelta(hours=5)))
NO_DIEGO: dict[str, Any] = {"workloads": (), "cloud_controller": ReadyPods(2, 2)}

Judged = tuple[Condition, Restart]
CURE: Judged = (Condition.NO_ACTIVE_BBS, Restart.CURES)
SERVING: Judged = (Condition.SERVING, Restart.NEVER)

INCIDENTS: dict[str, tuple[Observation, Judged]] = {
    "1 the tutorial": (hung(database=True), CURE),
    "2 fail-over, nobody yet": (
        hung(),
        CURE,
    ),  # the confirmation over 120 s forbids the act, not the single observation
    "2 fail-over, afterwards": (observation(bbs(0), bbs(1, Reply.OK, active=True), service=Reply.OK), SERVING),
    "3 kubecf: the listener before the label": (
        observation(bbs(0), bbs(1, Reply.OK), service=Reply.DNS),
        (Condition.ACTIVE_NOT_LABELLED, Restart.NEVER),
    ),
    "4 helm upgrade, pod 1 Terminating": (
        observation(
            bbs(0), bbs(1, ends_at=observations.NOW + 9 * MINUTE), workloads=(workload(update_revision="new"),)
        ),
        (Condition.ROLLING_OUT, Restart.NOT_YET),
    ),
    "4 helm upgrade, pod 0 still old": (
        observation(
            bbs(0), bbs(1, labels={"controller-revision-hash": "new"}), workloads=(workload(update_revision="new"),)
        ),
        (Condition.ROLLING_OUT, Restart.NOT_YET),
    ),
    "5 migrations": (
        observation(bbs(0, age=9 * MINUTE), bbs(1, Reply.UNAVAILABLE, age=9 * MINUTE)),
        (Condition.MIGRATING, Restart.NOT_YET),
    ),
    "5 migrations, both answer": (
        observation(bbs(0, Reply.UNAVAILABLE, age=9 * MINUTE), bbs(1, Reply.UNAVAILABLE, age=9 * MINUTE)),
        (Condition.SPLIT_BRAIN, Restart.NEVER),  # only the lock's holder listens, whatever it answers
    ),
    "6 certificate expired": (observation(bbs(0, EXPIRED), bbs(1)), (Condition.TLS_BROKEN, Restart.NEVER)),
    "7 database down, watched": (
        observation(bbs(0, **LOOPING), bbs(1, **LOOPING), database=False),
        (Condition.DATABASE_DOWN, Restart.NOT_YET),
    ),
    "7 database down, not watched": (
        observation(bbs(0, **LOOPING), bbs(1, **LOOPING)),
        (Condition.CRASH_LOOPING, Restart.NEVER),
    ),
    "8 split brain": (
        observation(bbs(0, Reply.OK, active=True), bbs(1, Reply.OK, active=True), service=Reply.OK),
        (Condition.SPLIT_BRAIN, Restart.NEVER),
    ),
    "9 active, label false": (observation(bbs(0, Reply.OK), bbs(1)), (Condition.ACTIVE_NOT_LABELLED, Restart.NEVER)),
    "10 label true, nobody serves": (
        observation(bbs(0, active=True), bbs(1)),
        (Condition.LABEL_CONTRADICTS, Restart.NEVER),
    ),
    "11 our network": (
        observation(bbs(0, Reply.TIMEOUT), bbs(1, Reply.TIMEOUT), control=""),
        (Condition.OBSERVER_FAULT, Restart.NOT_YET),
    ),
    "12 node lost": (
        observation(bbs(0, Reply.TIMEOUT, ready="Unknown"), bbs(1), control="cluster DNS"),
        (Condition.NODE_DOWN, Restart.NOT_YET),
    ),
    "13 stale alert": (healthy(), SERVING),
    "14 the same alert twice": (hung(), CURE),
    "15 resolved between two deletes": (
        observation(bbs(0, age=MINUTE), bbs(1)),
        (Condition.STARTING, Restart.NOT_YET),  # the plan goes on all the same: it is written
    ),
    "15b the other pod takes the lock": (
        observation(bbs(0, ends_at=observations.NOW + MINUTE), bbs(1, Reply.OK, active=True), service=Reply.OK),
        SERVING,
    ),
    "16 a planned pod is replaced": (observation(bbs(0), bbs(1, age=MINUTE)), (Condition.STARTING, Restart.NOT_YET)),
    "17 not cured by the restart": (observation(bbs(0, age=6 * MINUTE), bbs(1, age=6 * MINUTE)), CURE),
    "18 migrating after the restart": (
        observation(bbs(0, Reply.UNAVAILABLE, age=3 * MINUTE), bbs(1, age=2 * MINUTE)),
        (Condition.MIGRATING, Restart.NOT_YET),
    ),
    "19 still firing after the cure": (
        observation(bbs(0, Reply.OK, active=True, age=MINUTE), bbs(1, age=MINUTE), service=Reply.OK),
        SERVING,
    ),
    "20 silenced": (hung(), CURE),
    "21 paused": (hung(), CURE),
    "22 killed in the middle": (
        observation(bbs(0, ends_at=observations.NOW + MINUTE), bbs(1)),
        (Condition.ROLLING_OUT, Restart.NOT_YET),
    ),
    "23 forged labels": (healthy(), SERVING),
    "24 alert storm": (hung(), CURE),
    "25 the API answers 503": (
        hung(
            pods=observations.unknown("HTTP 503."),
            workloads=observations.unknown("HTTP 503."),
            steady=observations.unknown("HTTP 503."),
        ),
        (Condition.OBSERVER_FAULT, Restart.NOT_YET),
    ),
    "26 separate Locket hangs": (hung(locket=locket("True")), CURE),
    "27 Eirini": (observation(**NO_DIEGO), (Condition.NOT_APPLICABLE, Restart.NEVER)),
    "28 no capacity": (observation(bbs(0), pending(1, age=20 * MINUTE)), (Condition.PODS_NOT_READY, Restart.NEVER)),
    "29 the second face": (
        observation(bbs(0, Reply.UNAVAILABLE, active=True), bbs(1)),
        (Condition.STUCK_UNAVAILABLE, Restart.NEVER),
    ),
    "30 Terminating for 590 s": (
        observation(
            bbs(0, ends_at=observations.NOW + timedelta(seconds=10)),
            bbs(1, ends_at=observations.NOW + timedelta(seconds=11)),
        ),
        (Condition.ROLLING_OUT, Restart.NOT_YET),
    ),
    "31 Locket hangs, BBS restarted by hand": (
        observation(bbs(0, age=6 * MINUTE), bbs(1, age=6 * MINUTE), locket=locket("True")),
        CURE,
    ),
    "the tutorial, on a release that sets no label": (
        observation(bbs(0, active=None), bbs(1, active=None), witness="diego-api-0 accepted yesterday"),
        CURE,
    ),
    "the tutorial, headless Service": (hung(service=Probe(Reply.DNS)), CURE),
    "the tutorial, Cloud Controller not watched": (hung(cloud_controller=NOT_CONFIGURED), CURE),
}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_the_observation_of_an_incident_is_judged_right(incident: str) -> None:
    seen, expected = INCIDENTS[incident]
    found = diagnose(seen)
    assert (found.name, found.restart) == expected


def test_an_expired_certificate_is_handed_over_with_its_date() -> None:
    assert "certificate ends 2026-11-23" in diagnose(INCIDENTS["6 certificate expired"][0]).why


def test_a_stuck_bbs_is_handed_over_saying_that_a_restart_is_the_likely_cure() -> None:
    assert "a restart is the likely fix" in diagnose(INCIDENTS["29 the second face"][0]).why
