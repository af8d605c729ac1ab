"""A replay or a stored record as text for a person, and as a document for a program. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents.format import Incident
from incidents.journal import Line, Replayed
from incidents.outcome import decided
from incidents.story import comes_next
from remediator.remediation import GateResult, Phase, Remediation
from stagekeeper.kube.objects import timestamp


def replay_text(incident: Incident, found: Replayed, wrong: Sequence[str]) -> str:
    """The timeline of a replay, what comes next, the gates' last answers, and whether all is as the file expects."""
    lines = [incident.title, f"Source: {incident.source}", _START.format(incident.start), ""]
    lines += _timeline_lines(found.lines)
    lines += [] if found.lines else ["Nothing was opened and nothing was done."]
    lines += _next_line(incident, found)
    lines += ["", f"Diagnosis: {diagnosis(found)}", f"Decision:  {decided(found.remediations)}"]
    lines += [f"Deleted:   {', '.join(found.deleted) or 'nothing'}", "The gates answered last, while it watched:"]
    lines += [f"  {name:<13}{answer.outcome:<15}{answer.why}" for name, answer in gates(found).items()] or [
        "  none asked"
    ]
    if not found.remediations:
        lines += ["Seen at the end:", *(f"  {line}" for line in found.last.diagnosis.evidence)]
    if incident.expect.model_fields_set:
        lines += ["", *(wrong or ["Everything is as the file expects."])]
    return "\n".join(lines) + "\n"


def _timeline_lines(lines: Iterable[Line]) -> Iterator[str]:
    """One line for each thing that happened, and below a transition what was seen when it was decided."""
    told: Sequence[str] = ()
    for each in lines:
        first, second = (each.phase, each.reason) if each.kind == "transition" else (_KINDS[each.kind], "")
        yield f"{_clock(each.seconds)}  {first:<11} {second:<22} {each.message}".rstrip()
        if each.evidence and each.evidence != told:
            yield from (f"{'':7}    | {line}" for line in each.evidence)
            told = each.evidence


def _next_line(incident: Incident, found: Replayed) -> Iterator[str]:
    for latest in found.remediations[-1:]:
        said = comes_next(latest, incident.policy_in(incident.mode))
        if said:
            yield f"{_clock(incident.until)}  {'next':<11} {'':<22} {said}"


def replay_document(incident: Incident, found: Replayed, wrong: Sequence[str]) -> dict[str, Any]:
    """The same for a program."""
    return {
        "title": incident.title,
        "diagnosis": diagnosis(found),
        "decision": decided(found.remediations).value,
        "gates": _gates(gates(found)),
        "timeline": [
            {
                "time": timestamp(each.time),
                "seconds": each.seconds,
                "remediation": each.remediation,
                "phase": each.phase,
                "kind": each.kind,
                "reason": each.reason,
                "deleted": list(each.deleted),
                "message": each.message,
                "evidence": list(each.evidence),
            }
            for each in found.lines
        ],
        "remediations": [
            {"name": each.name, "phase": each.phase, "reason": each.reason} for each in found.remediations
        ],
        "unexpected": list(wrong),
    }


def diagnosis(found: Replayed) -> str:
    """What the last remediation was decided by; without one, what is seen at the end."""
    latest = found.remediations[-1] if found.remediations else None
    decision = latest and (latest.plan or latest.would_restart)
    if latest is None:
        return found.last.diagnosis.name
    return decision.diagnosis if decision else latest.diagnosis or found.last.diagnosis.name


def gates(found: Replayed) -> Mapping[str, GateResult]:
    """The gates' answers of the last remediation, as its record has them."""
    return dict(found.remediations[-1].gates) if found.remediations else {}


def record_document(remediations: Sequence[Remediation]) -> dict[str, Any]:
    """Stored records: the same keys as a replay, of the last one; every record's transitions in the timeline."""
    latest = remediations[-1]
    plan = latest.plan or latest.would_restart
    return {
        "title": latest.name,
        "diagnosis": plan.diagnosis if plan else latest.diagnosis,
        "decision": decided(remediations).value,
        "gates": _gates(dict(latest.gates)),
        "timeline": [entry for each in remediations for entry in _timeline(each)],
        "remediations": [{"name": each.name, "phase": each.phase, "reason": each.reason} for each in remediations],
    }


def _timeline(remediation: Remediation) -> list[dict[str, Any]]:
    """Transitions and deletions of one record, by time; at the same second a transition comes first."""
    entries = [
        (each.at, _entry(remediation, each.at, each.phase, each.reason, each.message))
        for each in remediation.transitions
    ]
    for each in remediation.deletions:
        said = f"{each.name} (UID {each.uid}): {each.result}."
        deleted = [each.name] if each.result == "deleted" else []
        entries.append((each.at, _entry(remediation, each.at, Phase.RESTARTING, each.result, said, deleted)))
    return [entry for _, entry in sorted(entries, key=lambda each: each[0])]


def _entry(  # noqa: PLR0913, PLR0917 -- the keys of one line
    remediation: Remediation, at: datetime, phase: str, reason: str, message: str, deleted: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "time": timestamp(at),
        "remediation": remediation.name,
        "phase": phase,
        "reason": reason,
        "deleted": list(deleted),
        "message": message,
    }


def _gates(answers: Mapping[str, GateResult]) -> list[dict[str, str]]:
    return [{"name": name, "answer": answer.outcome, "why": answer.why} for name, answer in answers.items()]


_START = "Minute 0 is {:%Y-%m-%d %H:%M:%S %Z}."
_KINDS = {"deleted": "deleted", "waiting": "waiting", "overdue": "paged", "alert": "not opened"}
"""What stands in the place of the phase where nothing changed it."""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:>4}:{rest:02}"
