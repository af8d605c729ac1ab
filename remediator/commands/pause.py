"""`stagekeeper pause`: keep the remediator from restarting anything, until a moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from remediator import pause
from remediator.commands import pause_map
from remediator.commands.operator import Refusal, Session, leave_event, operator_command, reason_given, sentences
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.kube.errors import Conflict
from stagekeeper.kube.objects import time, timestamp
from stagekeeper.service.options import DURATION


def _check(*, reason: str, until: str | None, lasting: timedelta | None) -> None:
    reason_given(reason)
    _asked_for(until, lasting)


@operator_command("pause", every="Pause every environment of the configuration.", check=_check)
@click.option("--reason", required=True, help="Why; the record, the alert and the status page repeat it.")
@click.option("--until", help="Pause until this time (RFC 3339), such as 2026-11-23T18:00:00Z.")
@click.option("--for", "lasting", type=DURATION, help="How long to pause, such as 90m, 2h or 3600 (seconds).")
async def command(session: Session, *, reason: str, until: str | None, lasting: timedelta | None) -> Sequence[str]:
    """Keep the remediator from restarting anything in an environment.

    What is under way is not undone: pods that are Terminating go on ending. A pause that is there already is replaced.
    It is the ConfigMap stagekeeper-pause in the environment's namespace; the remediator reads it at every observation.

    Exit codes: 0 paused, 1 it could not be done, 2 a flag or the configuration is wrong.
    """
    why = reason_given(reason)
    ends = _asked_for(until, lasting)
    found = await pause_map.find(session)
    try:
        end = found.now + ends if isinstance(ends, timedelta) else ends
    except OverflowError as problem:
        raise ConfigurationError("--for reaches beyond the year 9999.") from problem
    if end <= found.now:
        raise ConfigurationError(f"--until {end:%Y-%m-%d %H:%M:%S} UTC is over: it is {found.now:%H:%M:%S} UTC there.")
    try:
        await pause_map.write(session, found, {"by": session.person.name, "reason": why, "until": timestamp(end)})
    except Conflict as problem:
        raise Refusal("Somebody else wrote the pause at the same moment; run this again to replace it.") from problem
    who, where = session.person, session.environment
    said = f"{who.name} paused the remediator in {where.name} until {end:%Y-%m-%d %H:%M:%S} UTC: {why}"
    unsaid = await leave_event(session, "Paused", said, found.now)
    return sentences(
        f"{said}.".replace("..", "."),
        who.on_record,
        f"It replaces: {found.says}" if found.says else "",
        unsaid,
        f"It is ConfigMap {pause.NAME} in namespace {where.namespace}. To end it earlier: {session.command('resume')}",
    )


def _asked_for(until: str | None, lasting: timedelta | None) -> datetime | timedelta:
    """The end as a moment, or as a duration from the API server's now. Raises `ConfigurationError`."""
    if (until is None) == (lasting is None):
        raise ConfigurationError("Say either --until MOMENT or --for DURATION: a pause has an end.")
    if lasting is not None:
        return lasting
    moment = time(until)
    if moment is None:
        raise ConfigurationError(f"--until {until}: must be a moment such as 2026-11-23T18:00:00Z.")
    return moment
