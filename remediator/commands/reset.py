"""`stagekeeper reset`: release an environment that waits for a person."""

from collections.abc import Sequence

from remediator.cluster import Cluster, TargetRecords
from remediator.commands.operator import Refusal, Session, leave_event, operator_command, sentences
from remediator.commands.records import listed
from stagekeeper.kube.errors import Conflict


@operator_command("reset")
async def command(session: Session) -> Sequence[str]:
    """Release an environment after an escalation, so that the next alert opens a new remediation.

    An escalated environment is left alone until its BBS is seen serving, or until this. The record notes who did it.

    Exit codes: 0 the environment is free, 1 it could not be done, 2 a flag or the configuration is wrong.
    """
    cluster, listing = await listed(session)
    latest = listing.latest
    if latest is None:
        return [f"Nothing to reset: {session.environment.name} has no remediation yet."]
    if latest.phase.open:
        return [f"{latest.name} is still in progress ({latest.phase}): it ends by itself."]
    if not latest.releasable:
        return [f"Nothing to reset: {latest.name} ended {latest.phase}."]
    said = await release(session, cluster, listing)
    return sentences(said, session.person.on_record, await leave_event(session, "Released", said, listing.now))


async def release(session: Session, cluster: Cluster, listing: TargetRecords) -> str:
    """Open the latch of the latest record, by swap; the sentence that says so. Raises `Refusal`, `KubeError`."""
    latest = listing.latest
    if latest is None or not latest.releasable:
        return ""
    try:
        await cluster.swap(latest.released(session.person.name, listing.now))
    except Conflict as problem:
        raise Refusal(f"{latest.name} changed at the same moment; run this again.") from problem
    return f"{session.person.name} released {latest.name}, which had ended {latest.phase}."
