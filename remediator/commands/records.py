"""The remediations of one environment, as the operator's commands read and change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from remediator import record
from remediator.commands.operator import Refusal, Session
from remediator.remediation import Remediation, Request
from stagekeeper.kube.errors import NotFound
from stagekeeper.kube.remediations import Remediations

_NO_CRD = (
    "The cluster does not know the resource remediations.stagekeeper.dev, or there is no such namespace: install "
    "Stagekeeper's chart (its crds folder) first."
)


@dataclass(frozen=True, slots=True)
class Records:
    """Every record of the target, oldest first, and the API server's time. Implements `opening.Store`."""

    session: Session
    api: Remediations
    remediations: Sequence[Remediation]
    now: datetime

    @property
    def latest(self) -> Remediation | None:
        """The newest record."""
        return self.remediations[-1] if self.remediations else None

    async def listing(self) -> tuple[Sequence[Remediation], datetime]:
        """Every record, read anew."""
        found = await opened_records(self.session)
        return found.remediations, found.now

    async def create(self, ordinal: int, request: Request) -> str:
        """A new record. Raises `AlreadyExists`."""
        name = f"{_target(self.session)}-{ordinal}"
        labels = {"stagekeeper.dev/environment": self.session.environment.name}
        await self.api.create(name, labels, record.spec(request))
        return name

    async def swap(self, remediation: Remediation) -> None:
        """Store a status if nobody else has since it was read. Raises `Conflict`."""
        await self.api.swap_status(record.store(remediation))


async def opened_records(session: Session) -> Records:
    """Read them. Raises `Refusal` where they can't be understood or the CRD is missing, and `KubeError`."""
    api = Remediations(session.kube, session.environment.namespace, session.timeout)
    try:
        listed = await api.list()
        own = [record.load(each) for each in listed.items if _owned(session, each)]
    except NotFound as problem:
        raise Refusal(_NO_CRD) from problem
    except record.Unreadable as problem:
        raise Refusal(f"{problem} It was written by another version, or by hand.") from problem
    return Records(session, api, sorted(own, key=lambda each: each.ordinal), listed.date)


def _owned(session: Session, source: object) -> bool:
    metadata = source.get("metadata") if isinstance(source, dict) else None
    name = str(metadata.get("name")) if isinstance(metadata, dict) else ""
    target, _, ordinal = name.rpartition("-")
    return target == _target(session) and ordinal.isdecimal()


def _target(session: Session) -> str:
    return session.environment.statefulsets[0]
