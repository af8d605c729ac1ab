"""Everything outside of one environment's reconciler: Kubernetes, the BBS, Alertmanager. No log, no metrics.

Each method may raise `KubeError` where it says so; nothing is repeated by itself.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from remediator import pause, record
from remediator.alertmanager import Alertmanager, AlertmanagerView
from remediator.inputs import Pause
from remediator.remediation import Asked, Remediation, Request, current, in_order
from remediator.streaks import Assessment, Moment
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import Conflict, KubeError, NotFound
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod
from stagekeeper.kube.remediations import Remediations


@dataclass(frozen=True, slots=True)
class TargetRecords:
    """The records of one target, oldest first, and the API server's time of that reading."""

    remediations: Sequence[Remediation]
    now: datetime
    asked: Asked | None = None
    """What a person asks for, and no remediator has taken up yet."""

    @property
    def latest(self) -> Remediation | None:
        """The record that is worked on: the first that is open, else the newest."""
        return current(self.remediations)


class Cluster:
    """One environment, as its reconciler and the operator's commands reach it."""

    def __init__(
        self,
        environment: Environment,
        kube: Kube,
        alertmanagers: Sequence[Alertmanager] = (),
        observer: Observer | None = None,
        observation_timeout: float = 30.0,
    ) -> None:
        self.environment = environment
        self._kube, self._alertmanagers = kube, alertmanagers
        self._observer, self._observation_timeout = observer or Observer(environment, kube), observation_timeout
        self._timeout = environment.api_timeout
        self._records = Remediations(kube, environment.namespace, self._timeout)
        self._known: Mapping[object, Remediation] = {}

    @property
    def target(self) -> str:
        """What the records of this environment are named after."""
        return self.environment.statefulsets[0]

    def monotonic(self) -> float:
        """The event loop's clock: CLOCK_MONOTONIC, which goes on while the process is stopped."""
        return asyncio.get_running_loop().time()

    async def observe(self) -> Assessment:
        """A fresh observation, diagnosed; its moment is from before the first byte was sent. Never raises."""
        began = self.monotonic()
        seen = await self._observer.observe(self._observation_timeout)
        return Assessment(seen, diagnose(seen), Moment(seen.taken_at, began))

    # The records

    @property
    def _labels(self) -> Mapping[str, str]:
        return {"stagekeeper.dev/environment": self.environment.name}

    async def listing(self) -> TargetRecords:
        """Every record of this target. Raises `KubeError`, and `Unreadable` where one of them is none of ours."""
        listed = await self._records.list(self._kept)
        read = in_order(each for each in listed.items if isinstance(each, Remediation))
        self._known = {each.name: each for each in read}
        return TargetRecords(read, listed.date, next((each for each in listed.items if isinstance(each, Asked)), None))

    def _kept(self, source: object) -> Remediation | Asked | None:
        """What a stored object says; None for another target's.

        Of a long history most is, word for word, what it was: that is not parsed anew.
        """
        if not isinstance(source, dict):
            return None
        name = _metadata(source).get("name")
        known = self._known.get(name)
        if known is not None and known.extra == source:
            return known
        if record.belongs(name, self.target):
            return record.load(source)
        return record.asked(source, self.environment.name) if name == record.request_name(self.target) else None

    async def load(self, name: str) -> Remediation:
        """One record, read anew. Raises `KubeError`, and `Unreadable`."""
        return record.load(await self._records.get(name))

    async def create(self, ordinal: int, request: Request) -> Remediation:
        """Create the record with this ordinal. Raises `AlreadyExists` if somebody was first."""
        name = record.name_of(self.target, ordinal)
        return record.load(await self._records.create(name, self._labels, record.spec(request)))

    async def ask(self, request: Request) -> str:
        """Ask for a restart, in a person's name; the UID of what asks. Raises `AlreadyExists` where somebody does."""
        name = record.request_name(self.target)
        stored = await self._records.create(name, self._labels, record.spec(request))
        return str(_metadata(stored).get("uid"))

    async def withdraw(self, asked: Asked) -> None:
        """Delete this request, and no later one of its name, once it has been dealt with. Raises `KubeError`."""
        with suppress(NotFound, Conflict):  # another replica was first
            await self._records.delete(asked.name, asked.uid)

    async def swap(self, remediation: Remediation) -> Remediation:
        """Store the status if nobody else has since it was read. Raises `Conflict` otherwise."""
        return record.load(await self._records.swap_status(record.store(remediation)))

    async def prune(self, old: Sequence[Remediation]) -> None:
        """Delete old records; one that can't be deleted is tried again another time."""
        for each in old:
            with suppress(KubeError):
                await self._records.delete(each.name, str(_metadata(each.extra).get("uid")))

    # What is asked, and what is done

    async def pause(self) -> Pause:
        """The pause ConfigMap, read anew. Never raises: what can't be read is a pause."""
        path = f"/api/v1/namespaces/{self.environment.namespace}/configmaps/{pause.NAME}"
        try:
            answer = await self._kube.get(path, timeout=self._timeout)
            return pause.read(answer.body, answer.date)
        except NotFound:
            return pause.read(None, datetime.now(UTC))
        except KubeError as problem:
            said = f"ConfigMap {pause.NAME} can't be read, which counts as a pause. {problem}"
            return Pause(paused=True, why=said, unread=True)

    async def alerts(self, within: float = math.inf) -> Sequence[AlertmanagerView]:
        """What each Alertmanager has of the alert; asked for at most so many seconds. Never raises."""
        return await self.asked(self._alertmanagers, self.environment.name, within)

    @staticmethod
    async def asked(
        alertmanagers: Sequence[Alertmanager], environment: str, within: float = math.inf
    ) -> Sequence[AlertmanagerView]:
        """What each of these has of the alert of that environment. Never raises."""
        return await asyncio.gather(*(each.ask(environment, within) for each in alertmanagers))

    async def delete_pod(self, pod: Pod) -> None:
        """Delete this pod, only if it is still exactly the one that was observed, with its own grace period."""
        await workloads.delete_pod(self._kube, self.environment.namespace, pod, timeout=self._timeout)

    async def tell(self, event: Event) -> None:
        """One Event. Never raises: it is for people, and the record says the same."""
        with suppress(KubeError):
            await events.emit(self._kube, self.environment.namespace, event, timeout=self._timeout)


def _metadata(source: Mapping[str, object]) -> Mapping[str, object]:
    found = source.get("metadata")
    return found if isinstance(found, dict) else {}
