"""`stagekeeper status`: one screen of what the remediator is doing, by its records and by one observation from here."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from remediator import approval, pause
from remediator.cluster import Cluster, TargetRecords
from remediator.commands.foresight import foresee
from remediator.commands.operator import Refusal, Session, ended, nobody, picked
from remediator.commands.records import listed
from remediator.commands.words import outcome_word, phase_word
from remediator.escalating import next_step, without_next
from remediator.gates import earliest, earliest_sentence
from remediator.inputs import AlertView, Pause
from remediator.record import took
from remediator.remediation import Phase, Reason, Remediation
from remediator.streaks import Assessment
from stagekeeper.cli.output import BAD, GOOD, OUTPUT, WAIT, coloured, dumped
from stagekeeper.cli.target import Target, targeted
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.kube.client import connect
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.objects import timestamp
from stagekeeper.kube.own_pod import way_in
from stagekeeper.service import logs
from stagekeeper.visible import visible

LAST = 5
"""How many restarts are told."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of one environment, and how."""

    session: Session
    assessment: Assessment
    mode: str
    """The mode, and how it is known."""
    pause: Pause
    alerts: Sequence[AlertView]
    remediations: Sequence[Remediation]
    unread: str
    """Why the records could not be read; "" if they could."""

    @property
    def latest(self) -> Remediation | None:
        """The newest record."""
        return self.remediations[-1] if self.remediations else None

    @property
    def restarts(self) -> Sequence[Remediation]:
        """The last remediations that planned a restart, newest first."""
        return [each for each in reversed(self.remediations) if each.plan][:LAST]

    @property
    def alert(self) -> str:
        """What is known of the alert."""
        if self.alerts:
            return "; ".join(f"{each.state} in {each.alertmanager}" for each in self.alerts)
        gate = dict(self.latest.gates).get("alert") if self.latest and self.latest.phase.open else None
        return gate.why if gate else "not known here: no Alertmanager is configured"

    @property
    def next_command(self) -> str:
        """What to type next."""
        session, latest = self.session, self.latest
        if self.pause.paused:  # in a pod we have no right to end it
            return pause.end(session.environment.namespace) if way_in() else session.command("resume")
        if latest is not None and latest.latched and latest.reason is Reason.AWAITING_APPROVAL:
            return session.kubectl(approval.command(latest.name, latest.diagnosis, session.target.kubectl))
        if latest is not None and latest.latched and next_step(latest.message):
            return session.target.as_given(next_step(latest.message))
        if latest is not None and (latest.phase.open or latest.latched):
            return session.command("explain", latest.name)
        return session.command("diagnose")


@click.command("status", context_settings={"show_default": True})
@targeted
@click.option("-A", "--all", "every", is_flag=True, help="Every environment of the configuration.")
@OUTPUT
def command(*, target: Target, every: bool, output: str) -> None:
    """Show mode, pause, alert, diagnosis, the gates of an open remediation, and the last restarts. Changes nothing.

    Gates are the remediator's own answers, by its record. The diagnosis is from one observation taken from here.

    Exit codes: 0 told, 1 it could not be found out, 2 a flag or the configuration is wrong.
    """
    logs.configure("error")
    sys.exit(asyncio.run(ended("status", _told(target, every=every, output=output))))


async def _told(target: Target, *, every: bool, output: str) -> None:
    document = target.document()
    chosen = target.chosen(document, every=every)
    async with connect(target.kubeconfig, target.context) as kube:
        found = [await status(Session(document, target, await picked(kube, each), kube, nobody())) for each in chosen]
    told = as_text(found) if output == "text" else dumped({"environments": [_document(each) for each in found]}, output)
    click.echo(told, nl=False)


async def status(session: Session) -> Status:
    """Read the records, the pause and the alert; take one observation. Raises `ConfigurationError`."""
    unread = ""
    try:
        cluster, listing = await listed(session)
    except (Refusal, KubeError) as problem:
        cluster, listing, unread = Cluster(session.environment, session.kube), None, str(problem)
    records = listing.remediations if listing else ()
    seen = await foresee(session, cluster, records, "")
    return Status(
        session,
        seen.assessment,
        seen.policy.mode.value if session.configures_remediator else _mode(listing),
        seen.pause,
        seen.alerts,
        records,
        unread,
    )


def _mode(listing: TargetRecords | None) -> str:
    known = next((each for each in reversed(listing.remediations) if each.request.mode), None) if listing else None
    return f"{known.request.mode} when {known.name} was opened" if known else "not known here"


def as_text(found: Sequence[Status]) -> str:
    """For a terminal of 80 columns or more."""
    return "\n".join("".join(f"{line}\n" for line in _lines(each)) for each in found)


def _lines(found: Status) -> Iterator[str]:
    environment, diagnosis, now = found.session.environment, found.assessment.diagnosis, found.assessment.moment.at
    where = f"namespace {environment.namespace}, profile {environment.profile}"
    yield visible(f"{environment.name}: {where}, {now:%Y-%m-%d %H:%M:%S} UTC")
    yield visible(f"Mode:        {found.mode}")
    yield f"Pause:       {coloured(found.pause.why, WAIT) if found.pause.paused else 'not paused'}"
    yield visible(f"Alert:       {found.alert}")
    name = coloured(diagnosis.name, GOOD if diagnosis.name is Condition.SERVING else BAD)
    yield f"Diagnosis:   {name}, seen from here. {visible(diagnosis.why)}"
    yield from _remediation(found, now)
    if found.restarts:
        yield "Restarts:"
    for each in found.restarts:
        yield f"  {each.created:%Y-%m-%d %H:%M} UTC  {summary(each)}"
    yield visible(f"Next:        {found.next_command}")


def _remediation(found: Status, now: datetime) -> Iterator[str]:
    latest = found.latest
    if found.unread:
        yield f"Remediation: {coloured(found.unread, BAD)}"
    elif latest is None:
        yield "Remediation: none so far"
    elif latest.phase.open or latest.latched:
        since = f"for {took(now - latest.entered)}. {visible(without_next(latest.message))}"
        yield f"Remediation: {latest.name}: {phase_word(latest.phase)} {since}".rstrip()
    else:
        yield f"Remediation: none open; the last is {summary(latest)}"
    if latest is not None and latest.phase is Phase.WATCHING:
        for name, answer in latest.gates:
            progress = f" ({answer.progress} when it last changed)" if answer.progress else ""
            yield f"  {visible(f'{name:<13}')}{outcome_word(answer.outcome, 15)}{visible(f'{answer.why}{progress}')}"
        yield f"Restart:     {earliest_sentence(latest.gates, now)}"


def summary(remediation: Remediation) -> str:
    """One remediation in a line."""
    pods = f", deleted {', '.join(remediation.deleted)}" if remediation.deleted else ", nothing deleted"
    cause = (remediation.plan.diagnosis if remediation.plan else remediation.diagnosis) or "no diagnosis"
    lasted = took((remediation.closed_at - remediation.created) if remediation.closed_at else timedelta())
    ended_ = f" after {lasted}" if remediation.closed_at else ""
    return f"{remediation.name}: {phase_word(remediation.phase)}{visible(f'{ended_} ({cause}{pods})')}"


def _document(found: Status) -> dict[str, Any]:
    """The same for a program."""
    environment, seen, latest = found.session.environment, found.assessment, found.latest
    at = earliest(latest.gates) if latest and latest.phase is Phase.WATCHING else None
    return {
        "environment": environment.name,
        "namespace": environment.namespace,
        "profile": environment.profile,
        "takenAt": timestamp(seen.moment.at),
        "mode": found.mode,
        "pause": {"paused": found.pause.paused, "why": found.pause.why},
        "alert": found.alert,
        "diagnosis": {"name": seen.diagnosis.name.value, "why": seen.diagnosis.why},
        "remediation": _record(latest) if latest else None,
        "earliestRestart": timestamp(at) if at else None,
        "restarts": [_record(each) for each in found.restarts],
        "unread": found.unread,
        "next": found.next_command,
    }


def _record(remediation: Remediation) -> dict[str, Any]:
    return {
        "name": remediation.name,
        "phase": remediation.phase.value,
        "reason": remediation.reason.value,
        "message": remediation.message,
        "openedAt": timestamp(remediation.created),
        "since": timestamp(remediation.entered),
        "deleted": remediation.deleted,
        "waitsForPerson": remediation.latched,
        "gates": [
            {"name": name, "answer": answer.outcome.value, "why": answer.why, "progress": answer.progress}
            for name, answer in remediation.gates
        ],
    }
