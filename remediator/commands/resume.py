"""`stagekeeper resume`: end a pause."""

from collections.abc import Sequence

from remediator.commands import pause_map
from remediator.commands.operator import Refusal, Session, leave_event, operator_command, sentences
from stagekeeper.kube.errors import Conflict


@operator_command("resume", every="End the pause of every environment of the configuration.")
async def command(session: Session) -> Sequence[str]:
    """End a pause, whoever made it. The next observation of the remediator goes on without it.

    Exit codes: 0 nothing pauses the environment (any more), 1 it could not be done, 2 a flag or the configuration is
    wrong.
    """
    found = await pause_map.find(session)
    where = session.environment.name
    if found.body is None:
        return [f"Nothing is paused in {where}."]
    try:
        await pause_map.remove(session, found)
    except Conflict as problem:
        raise Refusal(
            "Somebody else changed the pause at the same moment; run this again to end it all the same."
        ) from problem
    before = found.says or "It had run out already."
    said = f"{session.person.name} ended the pause of {where}. {before}"
    return sentences(said, session.person.on_record, await leave_event(session, "Resumed", said, found.now))
