"""The same world without bounds: Hypothesis picks what happens next, for whole lives of two replicas and webhooks.

Here `Reconciler.reconcile` runs, with its LIST, its latch and several remediations after each other. At the end of each
run the faults stop, and then every remediation must come to an end too: safety alone could be had by doing nothing.
"""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from remediator import intake
from remediator.policy import Policy
from remediator.reconciler import Reconciler
from remediator.remediation import Request as Asked
from stagekeeper.kube.errors import KubeError
from tests.interleaving.cluster import (
    NO_ANSWER,
    REQUEST,
    Cluster,
    Heard,
    Request,
    Talk,
    apply,
    is_open,
    judge_sent,
    judge_written,
    name_of,
)
from tests.interleaving.explorer import EVENTS
from tests.interleaving.replicas import EAGER, HandDriven, Quiet
from tests.interleaving.scenarios import ONE, ZERO
from tests.remediator.builders import CF

POLICY: Policy = EAGER.model_copy(update={"verify_observations": 2})
FAIR_ROUNDS = 400
_WITHOUT_TIME = sorted(name for name in EVENTS if "pass" not in name)


@dataclass(slots=True)
class Process:
    """One replica or one webhook delivery, alive."""

    ports: HandDriven
    work: Coroutine[Request, Heard, Any]
    worker: Reconciler | None
    waiting: Request | None = None
    talk: Talk = ()


class Replicas(RuleBasedStateMachine):
    """Two replicas, any number of webhooks, one cluster, one unreliable network."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster((ZERO, ONE))
        self.processes: list[Process] = []
        self.late: list[Request] = []

    @initialize()
    def two_replicas_start_and_an_alert_fires(self) -> None:
        """As always."""
        self._start(worker=True)
        self._start(worker=True)
        self._start(worker=False)

    @rule(index=st.integers(0, 9), fault=st.sampled_from(["none"] * 6 + ["lost before", "lost after", "late"]))
    def answer(self, index: int, fault: str) -> None:
        """One of those who wait hears something, or that nothing came."""
        process = self.processes[index % len(self.processes)]
        request = self._request(process)
        if fault == "none" or request.method in {"LOOK", "ALERTS"}:
            self._resume(process, self._apply(request))
            return
        if fault == "lost after":
            self._apply(request)
        elif fault == "late" and request.changes:
            self.late.append(request)
        self._resume(process, NO_ANSWER)

    @precondition(lambda self: self.late)
    @rule(index=st.integers(0, 9))
    def a_late_request_arrives(self, index: int) -> None:
        """Long after its sender has given up on it."""
        self._apply(self.late.pop(index % len(self.late)))

    @rule(index=st.integers(0, 9), delivered=st.booleans())
    def crash(self, index: int, delivered: bool) -> None:  # noqa: FBT001 -- a rule's argument
        """A process ends, with or without its request having arrived; another one starts."""
        process = self.processes.pop(index % len(self.processes))
        if delivered:
            self._apply(self._request(process))
        process.work.close()
        self._start(worker=process.worker is not None)

    @rule(name=st.sampled_from(_WITHOUT_TIME), index=st.integers(0, 3))
    def the_cluster_changes(self, name: str, index: int) -> None:
        """Pods serve, end, are replaced; people pause; the alert goes."""
        possible = list(EVENTS[name](self.cluster))
        if possible:
            self.cluster = possible[index % len(possible)]

    @rule(seconds=st.sampled_from([1, 5, 11, 31, 130, 1000, 4000]))
    def time_passes(self, seconds: int) -> None:
        """Whoever waits is held up for so long."""
        self.cluster = replace(self.cluster, now=self.cluster.now + seconds)

    @rule()
    def a_webhook_comes(self) -> None:
        """Once more."""
        if len(self.processes) < 5:
            self._start(worker=False)

    @invariant()
    def at_most_one_remediation_is_open(self) -> None:
        """Whatever happened so far."""
        assert sum(is_open(each) for each in self.cluster.records) <= 1

    @invariant()
    def no_pod_was_terminated_twice(self) -> None:
        """Nor without a plan; `apply` and `judge_sent` hold the rest."""
        assert len(set(self.cluster.terminated)) == len(self.cluster.terminated)

    def teardown(self) -> None:
        """From here on nothing fails, and the BBS stays as it is: then every remediation ends."""
        self.cluster = replace(self.cluster, paused=False, blind=False)
        for _ in range(FAIR_ROUNDS):
            self._one_fair_round()
            if not any(is_open(each) or name_of(each) == REQUEST for each in self.cluster.records):
                break
        else:
            raise AssertionError("A remediation stayed open though nothing failed any more.")
        for process in self.processes:
            process.work.close()

    def _one_fair_round(self) -> None:
        """Everybody finishes a turn; one pod ends; the time until the next turn passes."""
        for process in [*self.processes]:
            self._finish_turn(process)
        self.cluster = next(EVENTS["a pod ends"](self.cluster), self.cluster)
        self.cluster = replace(self.cluster, now=self.cluster.now + 30)

    def _finish_turn(self, process: Process) -> None:
        work = process.work
        while process in self.processes and process.work is work:
            self._resume(process, self._apply(self._request(process)))

    def _start(self, *, worker: bool) -> None:
        ports = HandDriven(CF, self.cluster.now)
        made = Quiet(ports, POLICY) if worker else None
        process = Process(ports, self._work(ports, made), made)
        self.processes.append(process)
        self._resume(process, None)

    def _work(self, ports: HandDriven, worker: Reconciler | None) -> Coroutine[Request, Heard, Any]:
        if worker is not None:
            return worker.reconcile()
        request = Asked("cf", alertname="StagerUnavailable", starts_at="2030-01-01T00:00:00Z")
        return intake.open_or_join(ports, request, POLICY)

    def _apply(self, request: Request) -> Heard:
        self.cluster, heard = apply(self.cluster, request)
        return heard

    def _request(self, process: Process) -> Request:
        assert process.waiting is not None
        return process.waiting

    def _resume(self, process: Process, heard: Heard | None) -> None:
        """Let a process go on until its next request; a turn that has ended is followed by the next one."""
        if heard is not None:
            process.talk = (*process.talk, (self._request(process), heard))
        process.ports.now = self.cluster.now
        try:
            request = process.work.send(heard)  # type: ignore[arg-type]
        except (StopIteration, KubeError):
            process.talk = ()
            if process.worker is None:
                self.processes.remove(process)
                return
            process.work = self._work(process.ports, process.worker)
            request = process.work.send(None)  # type: ignore[arg-type]
        if request.method == "LOOK":
            process.talk = ()
        if request.deletes_a_pod:
            judge_sent(self.cluster, request, process.talk)
        judge_written(request, process.talk)
        process.waiting = request


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(
    max_examples=300, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
