"""`stagekeeper restart`: a named person asks for a restart, through the same gates as an alert."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import click

from remediator import approval, gates
from remediator.cluster import Cluster, TargetRecords
from remediator.commands.foresight import foresee
from remediator.commands.operator import Refusal, Session, leave_event, operator_command, reason_given, sentences, tell
from remediator.commands.records import listed
from remediator.commands.reset import release
from remediator.inputs import Inputs
from remediator.record import request_name
from remediator.remediation import Phase, Remediation, Request
from stagekeeper.config.durations import in_words
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.conditions import OVERRIDABLE, Condition
from stagekeeper.kube.errors import AlreadyExists, RequestTimeout, Unavailable, Unreachable
from stagekeeper.service.options import DURATION

FOLLOWED_EVERY = 2.0
"""Seconds between two readings of the record that --wait follows."""
TAKEN_UP_WITHIN = 60.0
"""Seconds in which a remediator has read the records several times, where one runs (`rhythm.list`)."""
_TAKEN_UP_EVERY = 0.5
_ACCEPTABLE = ", ".join(sorted(OVERRIDABLE))


def _check(*, reason: str, accept: str, **_: object) -> None:
    reason_given(reason)
    if accept and accept not in OVERRIDABLE:
        raise ConfigurationError(f"--accept {accept}: no person can override that. It must be one of {_ACCEPTABLE}.")


@operator_command("restart", check=_check)
@click.option("--reason", required=True, help="Why; it is on the record.")
@click.option(
    "--accept",
    default="",
    show_default=False,
    help=f"The one diagnosis whose `never` you override: {_ACCEPTABLE}.",
)
@click.option("--dry-run", is_flag=True, help="Only say what the gates answer now.")
@click.option("--wait", is_flag=True, help="Follow the remediation until it ends.")
@click.option("--timeout", type=DURATION, default="2h", help="How long --wait follows it, such as 30m.")
async def command(  # noqa: PLR0913 -- one argument for each flag
    session: Session, *, reason: str, accept: str, dry_run: bool, wait: bool, timeout: timedelta
) -> Sequence[str]:
    """Ask for a restart of the BBS pods: the remediator opens a remediation in your name.

    No pod is deleted by this command: the remediator does that, once every gate has opened, as it does for an alert.
    First it says what each gate answers to an observation taken from here. An environment that waits for a person
    is released. --accept overrides the `never` of the diagnosis gate for exactly this diagnosis, and nothing
    else.

    Exit codes: 0 a remediation is open (with --wait: the BBS serves again; or --dry-run was told), 1 refused or failed
    (with --wait: it ended otherwise, or not in time), 2 a flag or the configuration is wrong.
    """
    why = reason_given(reason)
    cluster, listing = await listed(session)
    seen = await foresee(session, cluster, listing.remediations, accept)
    told = [*_judged(session, listing.latest), *_foretold(session, seen, accept, listing.latest)]
    if dry_run:
        return told
    tell(told)
    if seen.assessment.diagnosis.name is Condition.SERVING:
        raise Refusal(f"No restart was requested, since none is needed. {seen.assessment.diagnosis.why}")
    request = Request(session.environment.name, person=session.person.name, why=why, accept=accept)
    name, said = await _ask(session, (cluster, listing), seen, request)
    if not wait:
        return [*said, f"Follow it: {session.kubectl(f'get remediation {name} -w')}"]
    tell(said)
    return [await _followed(session, cluster, name, timeout)]


async def _followed(session: Session, cluster: Cluster, name: str, timeout: timedelta) -> str:
    """Print each new line of the record's story until it ends; the sentence that says how. Raises `Refusal`."""
    told = 0
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            while True:
                with suppress(Unavailable, Unreachable, RequestTimeout):  # the next reading tells
                    remediation = await cluster.load(name)
                    for each in remediation.transitions[told:]:
                        tell([f"{each.at:%H:%M:%S} UTC  {each.phase:<11} {each.message}"])
                    told = len(remediation.transitions)
                    if not remediation.phase.open:
                        return _ending(session, remediation)
                await asyncio.sleep(FOLLOWED_EVERY)
    except TimeoutError as problem:
        raise Refusal(f"{name} is still in progress after {in_words(timeout)}. Is a remediator running?") from problem


def _ending(session: Session, remediation: Remediation) -> str:
    """How it ended. Raises `Refusal` where the BBS does not serve again."""
    why = session.target.as_given(remediation.message)
    said = f"{remediation.name} ended {remediation.phase} ({remediation.reason}). {why}"
    if remediation.phase in {Phase.RECOVERED, Phase.SELF_HEALED}:
        return said
    raise Refusal(said)


async def _ask(
    session: Session, records: tuple[Cluster, TargetRecords], seen: Inputs, request: Request
) -> tuple[str, Sequence[str]]:
    """Have a remediation opened; its name, and what to say. Raises `Refusal` if one is open, and `KubeError`."""
    cluster, listing = records
    released = await release(session, cluster, listing)
    latest, opened = listing.latest, None
    if latest is None or not latest.phase.open:
        opened, latest = await _taken_up(session, cluster, request)
    if opened is not None:
        accepting = f", accepting {request.accept}" if request.accept else ""
        said = f"{request.person} asks for a restart by {opened.name}{accepting}: {request.why}"
        unsaid = await leave_event(session, "RestartAsked", said, seen.assessment.moment.at)
        return opened.name, sentences(released, said, session.person.on_record, unsaid)
    if latest is None:
        raise Refusal("The remediator has opened no remediation for it; its log says why.")
    why = f"{latest.name} is still in progress ({latest.phase})."
    if not request.accept:
        return latest.name, sentences(released, f"No new remediation: {why}")
    if latest.phase is not Phase.WATCHING:
        raise Refusal(f"No new remediation: {why} What you accept could count in the next one only.")
    approve = session.kubectl(approval.command(latest.name, request.accept, session.target.kubectl))
    raise Refusal(f"No new remediation: {why} To approve a restart in that one: {approve}")


async def _taken_up(
    session: Session, cluster: Cluster, request: Request
) -> tuple[Remediation | None, Remediation | None]:
    """Ask, and wait for a remediator; what it opened for it, and what is open. Raises `Refusal` and `KubeError`."""
    name = request_name(cluster.target)
    try:
        uid = await cluster.ask(request)
    except AlreadyExists as problem:
        why = f"Somebody asks for a restart already ({name}), and no remediator has taken it up. Is one running?"
        raise Refusal(why) from problem
    until = cluster.monotonic() + TAKEN_UP_WITHIN
    while cluster.monotonic() < until:
        with suppress(Unavailable, Unreachable, RequestTimeout):  # the next reading tells
            listing = await cluster.listing()
            if listing.asked is None or listing.asked.uid != uid:
                opened = next((each for each in listing.remediations if each.request.asked_uid == uid), None)
                latest = listing.latest
                return opened, latest if latest and latest.phase.open else None
        await asyncio.sleep(_TAKEN_UP_EVERY)
    raise Refusal(
        f"No remediator has taken it up within {TAKEN_UP_WITHIN:.0f} s. Is one running? What you ask stands, and is "
        f"taken up if one starts within the hour. To withdraw it: {session.kubectl(f'delete remediation {name}')}"
    )


def _judged(session: Session, latest: Remediation | None) -> list[str]:
    """The remediator's own judgement, by its last record: it has the certificates, and stands where its pod is."""
    if latest is None or not (latest.phase.open or latest.latched):
        return []
    found = f"{latest.diagnosis}. " if latest.diagnosis else ""
    where = f"{latest.name} ({latest.phase})"
    return [f"The remediator's own judgement, in {where}: {found}{session.target.as_given(latest.message)}"]


def _foretold(session: Session, seen: Inputs, accept: str, latest: Remediation | None) -> list[str]:
    """What the gates answer to one observation taken from here."""
    found = seen.assessment.diagnosis
    lines = [f"Seen from here: {found.name}. {found.why}", "The gates answer now, to this one observation:"]
    unknown = frozenset[str]() if session.configures_remediator else frozenset({"mode", "alert"})
    answers = [(name, answer) for name, answer in gates.ask(seen) if name not in unknown]
    lines += [f"  {name:<13}{answer.outcome:<15}{answer.why}" for name, answer in answers]
    if accept and accept not in {found.name, latest.diagnosis if latest else ""}:
        lines.append(f"You accept {accept}, but that is not what is seen from here: the gate opens for nothing else.")
    if not session.configures_remediator:
        lines.append("The configuration has no remediator section: its mode and its Alertmanagers are not known here.")
    return lines
