"""`stagekeeper reset`: release an environment that was handed over to a person."""

from collections.abc import Sequence

from remediator.commands.operator import Refusal, Session, leave_event, operator_command, sentences
from remediator.commands.records import Records, opened_records
from stagekeeper.kube.errors import Conflict


@operator_command("reset")
async def command(session: Session) -> Sequence[str]:
    """Release an environment after an escalation, so that the next alert opens a new remediation.

    An escalated environment is left alone until its BBS is seen serving, or until this. The record notes who did it.

    Exit codes: 0 the environment is free, 1 it could not be done, 2 a flag or the configuration is wrong.
    """
    records = await opened_records(session)
    latest = records.latest
    if latest is None:
        return [f"{session.environment.name} has no remediation yet: there is nothing to release."]
    if latest.phase.open:
        return [f"{latest.name} is open ({latest.phase}): nothing is held back, and it ends by itself."]
    if not latest.latched:
        return [f"{latest.name} ended {latest.phase} and holds nothing back."]
    said = await release(session, records)
    return sentences(said, session.person.on_record, await leave_event(session, "Released", said, records.now))


async def release(session: Session, records: Records) -> str:
    """Open the latch of the latest record, by swap; the sentence that says so. Raises `Refusal`, `KubeError`."""
    latest = records.latest
    if latest is None or not latest.latched:
        return ""
    try:
        await records.swap(latest.released(session.person.name, records.now))
    except Conflict as problem:
        raise Refusal(f"{latest.name} changed at the same moment; look at it and try again.") from problem
    return f"{session.person.name} released {latest.name}, which had ended {latest.phase}."
