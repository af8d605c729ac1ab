"""The records of a replay, held in memory and stored exactly as the Kubernetes API stores them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from incidents.format import PastRemediation
from remediator import record
from remediator.remediation import Phase, Plan, Reason, Remediation, Request
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.kube.errors import AlreadyExists, Conflict
from stagekeeper.kube.objects import timestamp

_RESTART_TOOK = timedelta(minutes=2)
_PAST_REASONS = {
    Phase.RECOVERED: Reason.SERVING,
    Phase.SELF_HEALED: Reason.SERVING,
    Phase.ESCALATED: Reason.NOT_SERVING,
    Phase.OBSERVED: Reason.WOULD_RESTART,
}


class Records:
    """The `Remediation` objects of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._stored: dict[int, dict[str, Any]] = {}
        self._version = 0

    def all(self) -> list[Remediation]:
        """Every record, oldest first."""
        return [record.load(each) for _, each in sorted(self._stored.items())]

    def raw(self) -> list[Mapping[str, Any]]:
        """The same as they are stored."""
        return [each for _, each in sorted(self._stored.items())]

    def load(self, name: str) -> Remediation:
        """One record."""
        return record.load(self._stored[_ordinal(name)])

    def create(self, ordinal: int, request: Request, now: datetime) -> str:
        """A new record. Raises `AlreadyExists`."""
        name = f"{self.target}-{ordinal}"
        if ordinal in self._stored:
            raise AlreadyExists(f"{name} exists.")
        metadata = {"name": name, "creationTimestamp": timestamp(now), "resourceVersion": self._next()}
        self._stored[ordinal] = {
            "apiVersion": "stagekeeper.dev/v1alpha1",
            "kind": "Remediation",
            "metadata": metadata,
            "spec": record.spec(request),
        }
        return name

    def swap(self, remediation: Remediation) -> Remediation:
        """Store the status if the record is still as it was read. Raises `Conflict`."""
        stored = self._stored[remediation.ordinal]
        if stored["metadata"]["resourceVersion"] != remediation.resource_version:
            raise Conflict(f"{remediation.name} changed since it was read.")
        metadata = {**stored["metadata"], "resourceVersion": self._next()}
        self._stored[remediation.ordinal] = json.loads(json.dumps({**record.store(remediation), "metadata": metadata}))
        return self.load(remediation.name)

    def remember(self, past: Sequence[PastRemediation], environment: str, start: datetime) -> None:
        """Put in what was there before the start."""
        for ordinal, each in enumerate(sorted(past, key=lambda one: -one.ago), 1):
            created = start - timedelta(seconds=each.ago)
            remediation = self.load(self.create(ordinal, Request(environment=environment), created))
            phase, ended = Phase(each.phase), created + _RESTART_TOOK
            if each.restarted:
                remediation = replace(remediation, plan=Plan(created, Condition.NO_ACTIVE_BBS, ()))
            remediation = remediation.moved(phase, _PAST_REASONS[phase], "Before this timeline.", ended)
            self.swap(remediation.released("an operator", ended) if each.released else remediation)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])
