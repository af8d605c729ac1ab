"""The worker's ports, as they are in production: the Kubernetes API, the BBS, Alertmanager, the log and the metrics."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from remediator import pausing, record
from remediator.alertmanager import Alertmanager, AlertmanagerView
from remediator.answers import GateResult
from remediator.gates import AlertSeen, Pause
from remediator.metrics import Metrics
from remediator.remediation import Phase, Remediation, Request
from remediator.status import EnvironmentStatus
from remediator.streaks import Assessment, Moment
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import KubeError, NotFound
from stagekeeper.kube.objects import Pod, StatefulSet
from stagekeeper.kube.remediations import Remediations

_log = structlog.get_logger("remediator.remediation")
_WARNINGS = {Phase.ESCALATED, Phase.RESTARTING}


class Cluster:
    """One environment. Implements `ports.Ports` and `opening.Store`."""

    def __init__(
        self,
        observer: Observer,
        kube: Kube,
        alertmanagers: Sequence[Alertmanager],
        metrics: Metrics,
        observation_timeout: float,
    ) -> None:
        self.environment: Environment = observer.environment
        self._observer, self._kube, self._metrics = observer, kube, metrics
        self._alertmanagers, self._observation_timeout = alertmanagers, observation_timeout
        self._timeout = self.environment.api_timeout
        self._records = Remediations(kube, self.environment.namespace, self._timeout)
        self._target = self.environment.statefulsets[0]
        self._assessment: Assessment | None = None
        self._pause: Pause | None = None
        self._remediations: Sequence[Remediation] = ()
        self._gates_of = ""
        self._gates: Sequence[tuple[str, GateResult]] = ()

    # What the worker asks ---------------------------------------------------------------------------------------

    async def observe(self) -> Assessment:
        """A fresh observation; its moment is from before the first byte was sent."""
        began = self.monotonic()
        seen = await self._observer.observe(self._observation_timeout)
        assessment = self._assessment = Assessment(seen, diagnose(seen), Moment(seen.taken_at, began))
        readable = isinstance(seen.pods, tuple) and isinstance(seen.workloads, tuple)
        self._metrics.observe(self.environment.name, assessment, self.monotonic() - began, readable=readable)
        return assessment

    async def remediations(self) -> Sequence[Remediation]:
        """Every record of this target, oldest first."""
        found, _ = await self.listing()
        self._remediations = found
        self._metrics.kubernetes.labels(self.environment.name).set(1)
        if not found:
            self._metrics.settled(self.environment.name)
        else:
            self._metrics.remediation(self.environment.name, found[-1])
        return found

    async def load(self, name: str) -> Remediation:
        """One record, read anew."""
        return record.load(await self._records.get(name))

    async def swap(self, remediation: Remediation) -> Remediation:
        """Store the status if the record is still as it was read."""
        stored = record.load(await self._records.swap_status(record.store(remediation)))
        self._metrics.remediation(self.environment.name, stored)
        self._tell_gates(stored)
        return stored

    async def delete_pod(self, pod: Pod) -> None:
        """Delete this pod, with both preconditions and its own grace period."""
        await workloads.delete_pod(self._kube, self.environment.namespace, pod, timeout=self._timeout)

    async def pause(self) -> Pause:
        """The pause ConfigMap, read anew."""
        found = self._pause = await self._read_pause()
        self._metrics.paused.labels(self.environment.name).set(found.paused)
        return found

    async def _read_pause(self) -> Pause:
        path = f"/api/v1/namespaces/{self.environment.namespace}/configmaps/{pausing.NAME}"
        try:
            answer = await self._kube.get(path, timeout=self._timeout)
            now = answer.date
        except NotFound:
            return pausing.read(None, datetime.now(UTC))
        except KubeError as problem:
            return Pause(paused=True, why=f"ConfigMap {pausing.NAME} can't be read, which counts as a pause. {problem}")
        return pausing.read(answer.body, now)

    async def alerts(self) -> Sequence[AlertSeen]:
        """What each Alertmanager says now."""
        return [each.seen for each in await self.answers()]

    async def answers(self) -> list[AlertmanagerView]:
        """What each Alertmanager says now, with the alerts that would open a remediation."""
        found = await asyncio.gather(*(each.ask(self.environment.name) for each in self._alertmanagers))
        self._metrics.asked(each.seen for each in found)
        return list(found)

    def monotonic(self) -> float:
        """The event loop's clock: CLOCK_MONOTONIC, which goes on while the process is stopped."""
        return asyncio.get_running_loop().time()

    # What people are told ---------------------------------------------------------------------------------------

    async def announce(self, before: Remediation, after: Remediation) -> None:
        """One log line, one Event on the StatefulSet, the counters."""
        self._metrics.moved(self.environment.name, before, after)
        say = _log.warning if after.phase in _WARNINGS else _log.info
        say(
            after.message,
            environment=self.environment.name,
            remediation=after.name,
            phase=after.phase.value,
            reason=after.reason.value,
            diagnosis=after.diagnosis,
        )
        about = self._workload()
        if about is None:
            return
        with suppress(KubeError):  # an Event is for people; the record and the log say the same
            await events.emit(
                self._kube,
                self.environment.namespace,
                about,
                reason=after.reason.value,
                message=f"{after.name}: {after.phase}. {after.message}",
                warning=after.phase in _WARNINGS,
                at=after.entered,
                timeout=self._timeout,
            )

    def _tell_gates(self, remediation: Remediation) -> None:
        """One log line for each gate whose answer this replica has stored and not told yet."""
        told = dict(self._gates) if self._gates_of == remediation.name else {}
        for name, answer in remediation.gates:
            if told.get(name) != answer:
                _log.info(
                    f"Gate {name} of {remediation.name}: {answer.outcome}. {answer.why}",
                    environment=self.environment.name,
                    gate=name,
                    answer=answer.outcome.value,
                )
        self._gates_of, self._gates = remediation.name, remediation.gates

    def observed(self, remediation: Remediation) -> None:
        """The open remediation as an observation left it."""
        self._metrics.remediation(self.environment.name, remediation)

    def failed(self, reason: str) -> None:
        """Count a turn that ended in trouble with the API."""
        self._metrics.kubernetes.labels(self.environment.name).set(0)
        self._metrics.failures.labels(self.environment.name, reason).inc()

    def deletion(self, result: str) -> None:
        """Count one DELETE."""
        self._metrics.deletions.labels(self.environment.name, result).inc()

    def _workload(self) -> StatefulSet | None:
        return next(iter(self._assessment.observation.known_workloads), None) if self._assessment else None

    def status(self) -> EnvironmentStatus:
        """What this replica knows, for the status page."""
        return EnvironmentStatus(
            self.environment.name, self.environment.namespace, self._assessment, self._pause, self._remediations
        )

    # The store of `opening` -------------------------------------------------------------------------------------

    async def listing(self) -> tuple[Sequence[Remediation], datetime]:
        """Every record of this target, oldest first, and the API server's time."""
        listed = await self._records.list()
        own = [each for each in listed.items if self._owns(each)]
        return sorted((record.load(each) for each in own), key=lambda remediation: remediation.ordinal), listed.date

    async def create(self, ordinal: int, request: Request) -> str:
        """Create the record with this ordinal."""
        name = f"{self._target}-{ordinal}"
        labels = {"stagekeeper.dev/environment": self.environment.name}
        await self._records.create(name, labels, record.spec(request))
        return name

    async def prune(self, old: Sequence[Remediation]) -> None:
        """Delete old records; one that can't be deleted is tried again another time."""
        for each in old:
            metadata = each.extra.get("metadata")
            if isinstance(metadata, Mapping):
                with suppress(KubeError):
                    await self._records.delete(each.name, str(metadata.get("uid")))

    def _owns(self, source: Mapping[str, object]) -> bool:
        metadata = source.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        target, _, ordinal = str(name).rpartition("-")
        return target == self._target and ordinal.isdecimal()
