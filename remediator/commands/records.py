"""The remediations of one environment, as the operator's commands read them."""

from remediator import record
from remediator.cluster import Cluster, TargetRecords
from remediator.commands.operator import Refusal, Session
from stagekeeper.diego.environments import without_absent_certificates
from stagekeeper.kube.errors import NotFound

_NO_CRD = (
    "The cluster does not know the resource remediations.stagekeeper.dev, or there is no such namespace: install "
    "Stagekeeper's chart (its crds folder) first."
)


async def listed(session: Session) -> tuple[Cluster, TargetRecords]:
    """Read them. Raises `Refusal` where they can't be understood or the CRD is missing, and `KubeError`."""
    environment, _ = without_absent_certificates(session.environment)
    cluster = Cluster(environment, session.kube)
    try:
        return cluster, await cluster.listing()
    except NotFound as problem:
        raise Refusal(_NO_CRD) from problem
    except record.Unreadable as problem:
        raise Refusal(f"{problem} It was written by another version, or by hand.") from problem
