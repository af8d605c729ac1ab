"""`stagekeeper restart`: a named person asks for a restart, through the same gates as an alert."""

from collections.abc import Sequence

import click

from remediator import gates, intake
from remediator.cluster import Cluster, Listing
from remediator.commands.foresight import Foresight, foresee
from remediator.commands.operator import Refusal, Session, leave_event, operator_command, reason_given, sentences
from remediator.commands.records import listed
from remediator.commands.reset import release
from remediator.gates import OVERRIDABLE
from remediator.intake import Judgement
from remediator.remediation import GateResult, Remediation, Request
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.visible import visible

_ACCEPTABLE = ", ".join(sorted(OVERRIDABLE))


@operator_command("restart")
@click.option("--reason", required=True, help="Why; it stands on the record.")
@click.option("--accept", default="", help=f"The one diagnosis whose `never` you override: {_ACCEPTABLE}.")
@click.option("--dry-run", is_flag=True, help="Only say what the gates answer now.")
async def command(session: Session, *, reason: str, accept: str, dry_run: bool) -> Sequence[str]:
    """Ask for a restart of the BBS pods, by opening a remediation in your name.

    Nothing is deleted by this command: the remediator does that, once every gate has opened, as it does for an alert.
    First it says what each gate answers to an observation taken from here. An environment that waits for a person
    is released. --accept overrides the `never` of the diagnosis gate for exactly this diagnosis, and nothing
    else.

    Exit codes: 0 a remediation is open (or --dry-run was told), 1 refused or failed, 2 a flag or the configuration is
    wrong.
    """
    why = reason_given(reason)
    if accept and accept not in OVERRIDABLE:
        raise ConfigurationError(f"--accept {accept}: no person can override that. It must be one of {_ACCEPTABLE}.")
    cluster, listing = await listed(session)
    seen = await foresee(session, cluster, listing.remediations, accept)
    told = [*_judged(listing.latest), *_foretold(seen, accept, listing.latest)]
    if dry_run:
        return told
    click.echo("\n".join(map(visible, told)))
    if seen.assessment.diagnosis.name is Condition.SERVING:
        raise Refusal("The BBS serves, so nothing was asked for: a restart would only interrupt it.")
    request = Request(session.environment.name, person=session.person.name, why=why, accept=accept)
    return await _ask(session, (cluster, listing), seen, request)


async def _ask(session: Session, records: tuple[Cluster, Listing], seen: Foresight, request: Request) -> Sequence[str]:
    """Open the remediation. Raises `Refusal` if one is open that says something else, and `KubeError`."""
    released = await release(session, *records)
    verdict = await intake.open_or_join(records[0], request, seen.policy)
    if verdict.judgement is Judgement.OPENED:
        accepting = f", accepting {request.accept}" if request.accept else ""
        said = f"{request.person} asks for a restart by {verdict.remediation}{accepting}: {request.why}"
        return sentences(
            released,
            said,
            session.person.on_record,
            await leave_event(session, "RestartAsked", said, seen.assessment.moment.at),
            f"Follow it: kubectl get remediation -n {session.environment.namespace} {verdict.remediation} -w",
        )
    if verdict.judgement is Judgement.JOINED and not request.accept:
        return sentences(released, f"{verdict.why} No new remediation.")
    raise Refusal(f"No new remediation: {verdict.why}")


def _judged(latest: Remediation | None) -> list[str]:
    """The remediator's own judgement, by its last record: it has the certificates, and stands where its pod is."""
    if latest is None or not (latest.phase.open or latest.latched):
        return []
    found = f"{latest.diagnosis}. " if latest.diagnosis else ""
    return [f"The remediator's own judgement, in {latest.name} ({latest.phase}): {found}{latest.message}"]


def _foretold(seen: Foresight, accept: str, latest: Remediation | None) -> list[str]:
    """What the gates answer to one observation taken from here."""
    found = seen.assessment.diagnosis
    lines = [f"Seen from here: {found.name}. {found.why}", "The gates answer now, to this one observation:"]
    lines += [f"  {name:<13}{answer.outcome:<15}{answer.why}" for name, answer in _gates(seen)]
    if accept and accept not in {found.name, latest.diagnosis if latest else ""}:
        lines.append(f"You accept {accept}, but that is not what is seen from here: the gate opens for nothing else.")
    if not seen.configured:
        lines.append("The configuration has no remediator section: its mode and its Alertmanagers are not known here.")
    return lines


def _gates(seen: Foresight) -> Sequence[tuple[str, GateResult]]:
    """All that can be answered from here."""
    unknown = frozenset[str]() if seen.configured else frozenset({"mode", "alert"})
    return [(name, answer) for name, answer in gates.ask(seen.inputs) if name not in unknown]
