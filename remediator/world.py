"""The worker's ports, as they are in production: the Kubernetes API, the BBS, Alertmanager, the log and the metrics."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from remediator import pausing, record
from remediator.alertmanager import Alertmanager, Answered
from remediator.answers import Answer
from remediator.course import Look, Moment
from remediator.episode import Episode, Phase, Request
from remediator.gates import AlertSeen, Pause
from remediator.metrics import Metrics
from remediator.status import EnvironmentStatus
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import KubeError, NotFound
from stagekeeper.kube.objects import Pod, StatefulSet
from stagekeeper.kube.remediations import Remediations

_log = structlog.get_logger("remediator.episode")
_WARNINGS = {Phase.ESCALATED, Phase.RESTARTING}


class World:
    """One environment. Implements `ports.Ports` and `opening.Store`."""

    def __init__(
        self,
        observer: Observer,
        kube: Kube,
        alertmanagers: Sequence[Alertmanager],
        metrics: Metrics,
        look_timeout: float,
    ) -> None:
        self.environment: Environment = observer.environment
        self._observer, self._kube, self._metrics = observer, kube, metrics
        self._alertmanagers, self._look_timeout = alertmanagers, look_timeout
        self._timeout = self.environment.api_timeout
        self._records = Remediations(kube, self.environment.namespace, self._timeout)
        self._target = self.environment.statefulsets[0]
        self._look: Look | None = None
        self._pause: Pause | None = None
        self._episodes: Sequence[Episode] = ()
        self._gates_of = ""
        self._gates: Sequence[tuple[str, Answer]] = ()

    # What the worker asks ---------------------------------------------------------------------------------------

    async def look(self) -> Look:
        """A fresh look; its moment is from before the first byte was sent."""
        began = self.monotonic()
        seen = await self._observer.look(self._look_timeout)
        look = self._look = Look(seen, diagnose(seen), Moment(seen.taken_at, began))
        readable = isinstance(seen.pods, tuple) and isinstance(seen.workloads, tuple)
        self._metrics.look(self.environment.name, look, self.monotonic() - began, readable=readable)
        return look

    async def episodes(self) -> Sequence[Episode]:
        """Every record of this target, oldest first."""
        found, _ = await self.listing()
        self._episodes = found
        self._metrics.kubernetes.labels(self.environment.name).set(1)
        if not found:
            self._metrics.settled(self.environment.name)
        else:
            self._metrics.episode(self.environment.name, found[-1])
        return found

    async def load(self, name: str) -> Episode:
        """One record, read anew."""
        return record.load(await self._records.get(name))

    async def swap(self, episode: Episode) -> Episode:
        """Store the status if the record is still as it was read."""
        stored = record.load(await self._records.swap_status(record.store(episode)))
        self._metrics.episode(self.environment.name, stored)
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
        except NotFound:
            return pausing.read(None, datetime.now(UTC))
        except KubeError as problem:
            return Pause(paused=True, why=f"ConfigMap {pausing.NAME} can't be read, which counts as a pause. {problem}")
        return pausing.read(answer.body, answer.date)

    async def alerts(self) -> Sequence[AlertSeen]:
        """What each Alertmanager says now."""
        return [each.seen for each in await self.answers()]

    async def answers(self) -> list[Answered]:
        """What each Alertmanager says now, with the alerts that would open an episode."""
        found = await asyncio.gather(*(each.ask(self.environment.name) for each in self._alertmanagers))
        self._metrics.asked(each.seen for each in found)
        return list(found)

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC goes on while the process is stopped."""
        return time.monotonic()

    # What people are told ---------------------------------------------------------------------------------------

    async def announce(self, before: Episode, after: Episode) -> None:
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

    def _tell_gates(self, episode: Episode) -> None:
        """One log line for each gate whose answer this replica has stored and not told yet."""
        told = dict(self._gates) if self._gates_of == episode.name else {}
        for name, answer in episode.gates:
            if told.get(name) != answer:
                _log.info(
                    f"Gate {name} of {episode.name}: {answer.word}. {answer.why}",
                    environment=self.environment.name,
                    gate=name,
                    answer=answer.word.value,
                )
        self._gates_of, self._gates = episode.name, episode.gates

    def noticed(self, episode: Episode) -> None:
        """The open episode as a look left it."""
        self._metrics.episode(self.environment.name, episode)

    def troubled(self, reason: str) -> None:
        """Count a turn that ended in trouble with the API."""
        self._metrics.kubernetes.labels(self.environment.name).set(0)
        self._metrics.failures.labels(self.environment.name, reason).inc()

    def deletion(self, result: str) -> None:
        """Count one DELETE."""
        self._metrics.deletions.labels(self.environment.name, result).inc()

    def _workload(self) -> StatefulSet | None:
        return next(iter(self._look.observation.known_workloads), None) if self._look else None

    def status(self) -> EnvironmentStatus:
        """What this replica knows, for the status page."""
        return EnvironmentStatus(
            self.environment.name, self.environment.namespace, self._look, self._pause, self._episodes
        )

    # The store of `opening` -------------------------------------------------------------------------------------

    async def listing(self) -> tuple[Sequence[Episode], datetime]:
        """Every record of this target, oldest first, and the API server's time."""
        listed = await self._records.list()
        own = [each for each in listed.items if self._owns(each)]
        return sorted((record.load(each) for each in own), key=lambda episode: episode.ordinal), listed.date

    async def create(self, ordinal: int, request: Request) -> str:
        """Create the record with this ordinal."""
        name = f"{self._target}-{ordinal}"
        labels = {"stagekeeper.dev/environment": self.environment.name}
        await self._records.create(name, labels, record.spec(request))
        return name

    async def prune(self, old: Sequence[Episode]) -> None:
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
