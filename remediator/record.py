"""A remediation as the custom resource stores it: `load` and `store` are a pair. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from remediator import approval
from remediator.remediation import (
    Asked,
    Deletion,
    GateResult,
    Outcome,
    Phase,
    Plan,
    PlannedPod,
    Reason,
    Remediation,
    Request,
    Step,
    Transition,
)
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.kube.errors import MalformedResponse
from stagekeeper.kube.objects import time, timestamp

_SPEC = {"starts_at": "startsAt", "asked_uid": "requestUid"}
LONGEST_MESSAGE, LONGEST_LINE, MOST_LINES = 4096, 2048, 200
"""The schema's limits. A sentence that is longer must not keep the whole status from being stored."""
_LONGEST_DEADLINE = 30 * 24 * 3600
_NO_YEAR_OF_OURS = 9000  # so that a time and a duration can always be added


NAME = re.compile(r"(.+)-r([1-9][0-9]{0,8})")
"""What a record is called: its target, and an ordinal."""
UNNAMED = "somebody who gave no name"
"""Who asks in a request that does not say it."""


def name_of(target: str, ordinal: int) -> str:
    """The name of the target's record with this ordinal, which no pod of it can have: `diego-api-r1`."""
    return f"{target}-r{ordinal}"


def request_name(target: str) -> str:
    """The name of the one object by which a person asks for a restart of the target: `diego-api-request`."""
    return f"{target}-request"


def belongs(name: object, target: str) -> bool:
    """Whether a record of that name is one of the target's."""
    found = NAME.fullmatch(name) if isinstance(name, str) else None
    return found is not None and found[1] == target


class Unreadable(MalformedResponse):
    """A stored record is not one that this version understands; the message names it and what is wrong."""


def load(source: Mapping[str, Any]) -> Remediation:
    """The remediation that a stored object holds. Raises `Unreadable`."""
    name = _text(_map(source, "metadata"), "name")
    if not NAME.fullmatch(name):
        raise Unreadable(f"Remediation {name!r}: its name does not end in -r and a number, so it belongs to no target.")
    try:
        return _load(name, source)
    except (ValueError, TypeError, KeyError, OverflowError) as problem:
        raise Unreadable(f"Remediation {name}: its status can't be understood ({problem}).") from problem


def _load(name: str, source: Mapping[str, Any]) -> Remediation:
    metadata, spec, status = _map(source, "metadata"), _map(source, "spec"), _map(source, "status")
    return Remediation(
        name=name,
        request=Request(**{each.name: _text(spec, _SPEC.get(each.name, each.name)) for each in fields(Request)}),
        created=_time(metadata.get("creationTimestamp")),
        phase=Phase(status.get("phase", Phase.WATCHING)),
        reason=Reason(status.get("reason", Reason.PERSON if spec.get("person") else Reason.ALERT)),
        message=_text(status, "message"),
        since=_maybe_time(status, "since"),
        plan=_plan(status.get("plan")),
        would_restart=_plan(status.get("wouldRestart")),
        deletions=tuple(
            Deletion(str(each["name"]), str(each["uid"]), str(each["result"]), _time(each["at"]))
            for each in _list(status, "deletions")
        ),
        gates=tuple((str(each["name"]), _gate(each)) for each in _list(status, "gates")),
        diagnosis=_text(status, "diagnosis"),
        evidence=_lines(status, "evidence"),
        plan_evidence=_lines(status, "planEvidence"),
        transitions=tuple(
            Transition(_time(each["at"]), Phase(each["phase"]), Reason(each["reason"]), _text(each, "message"))
            for each in _list(status, "transitions")
        ),
        overdue=status.get("overdue") is True,
        refused=_text(status, "refused"),
        released_at=_maybe_time(status, "releasedAt"),
        released_by=_text(status, "releasedBy"),
        approval=approval.read(metadata),
        approved_by=_text(status, "approvedBy"),
        extra=dict(source),
    )


def asked(source: Mapping[str, Any], environment: str) -> Asked | None:
    """What a person asks for; None where it is being deleted already. Raises `Unreadable`.

    Only who, why and what they accept is taken from it: the rest is nothing that a person says.
    """
    metadata, wish = _map(source, "metadata"), _map(source, "spec")
    name = _text(metadata, "name")
    if metadata.get("deletionTimestamp") is not None:
        return None
    try:
        created = _time(metadata.get("creationTimestamp"))
    except ValueError as problem:
        raise Unreadable(f"Remediation {name}: it can't be understood ({problem}).") from problem
    uid, person = _text(metadata, "uid"), _text(wish, "person") or UNNAMED
    request = Request(environment, person=person, why=_text(wish, "why"), accept=_text(wish, "accept"), asked_uid=uid)
    return Asked(name, uid, created, request)


def spec(request: Request) -> dict[str, str]:
    """The `spec` of a new record: what is known, without empty fields."""
    found = {_SPEC.get(each.name, each.name): getattr(request, each.name) for each in fields(Request)}
    return {key: value for key, value in found.items() if value}


def store(remediation: Remediation) -> dict[str, Any]:
    """The object to swap in: as it was read, with the remediation's status."""
    status: dict[str, Any] = {
        "phase": remediation.phase.value,
        "reason": remediation.reason.value,
        "message": _cut(remediation.message, LONGEST_MESSAGE),
        "since": timestamp(remediation.entered),
        "diagnosis": remediation.diagnosis,
        "evidence": [_cut(line, LONGEST_LINE) for line in remediation.evidence[:MOST_LINES]],
        "overdue": remediation.overdue,
        "refused": _cut(remediation.refused, LONGEST_LINE),
        "gates": [_stored_gate(name, answer) for name, answer in remediation.gates],
        "deletions": [
            {"name": each.name, "uid": each.uid, "result": each.result, "at": timestamp(each.at)}
            for each in remediation.deletions
        ],
        "transitions": [
            {
                "at": timestamp(each.at),
                "phase": each.phase.value,
                "reason": each.reason.value,
                "message": _cut(each.message, LONGEST_MESSAGE),
            }
            for each in remediation.transitions
        ],
    }
    status |= {**_summary(remediation), "conditions": list(_conditions(remediation))}
    if remediation.plan_evidence:
        status["planEvidence"] = [_cut(line, LONGEST_LINE) for line in remediation.plan_evidence[:MOST_LINES]]
    if remediation.plan:
        status["plan"] = _stored_plan(remediation.plan)
    if remediation.would_restart:
        status["wouldRestart"] = _stored_plan(remediation.would_restart)
    if remediation.approved_by or "approvedBy" in _map(remediation.extra, "status"):
        status["approvedBy"] = remediation.approved_by
    if remediation.released_at:
        status |= {"releasedAt": timestamp(remediation.released_at), "releasedBy": remediation.released_by}
    return {**remediation.extra, "status": {**_map(remediation.extra, "status"), **status}}


def _summary(remediation: Remediation) -> dict[str, str]:
    """What `kubectl get remediations` shows beside the phase; what is not known yet is absent."""
    plan = remediation.plan or remediation.would_restart
    known = _text(_map(remediation.extra, "status"), "cause")
    seen = known if remediation.diagnosis == Condition.SERVING else remediation.diagnosis
    found = {"cause": plan.diagnosis if plan else seen}
    if remediation.plan:
        planned = len(remediation.plan.pods)
        found["deleted"] = f"{len(remediation.deleted)}/{planned}"
    if remediation.closed_at:
        found["took"] = took(remediation.closed_at - remediation.created)
    return {key: value for key, value in found.items() if value}


def took(duration: timedelta) -> str:
    """A duration as Kubernetes writes it: 42s, 4m12s, 2h5m."""
    minutes, seconds = divmod(max(0, round(duration.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _conditions(remediation: Remediation) -> Iterator[dict[str, str]]:
    """The same for `kubectl wait --for=condition=Recovered`, each with the time since when it is as it is."""
    before = {_text(each, "type"): each for each in _list(_map(remediation.extra, "status"), "conditions")}
    holds = {
        "Recovered": remediation.phase in {Phase.RECOVERED, Phase.SELF_HEALED},
        "Escalated": remediation.phase is Phase.ESCALATED,
        "Complete": not remediation.phase.open,
    }
    for name, true in holds.items():
        old, status = before.get(name, {}), str(true)
        since = _text(old, "lastTransitionTime") if old.get("status") == status else ""
        yield {
            "type": name,
            "status": status,
            "lastTransitionTime": since or timestamp(remediation.entered),
            "reason": remediation.reason.value,
            "message": _cut(remediation.message, LONGEST_MESSAGE),
        }


def _stored_gate(name: str, answer: GateResult) -> dict[str, str]:
    stored = {"name": name, "answer": answer.outcome.value, "why": _cut(answer.why, LONGEST_LINE)}
    if answer.progress:
        stored["progress"] = answer.progress
    return {**stored, "notBefore": timestamp(answer.not_before)} if answer.not_before else stored


def _gate(source: Mapping[str, Any]) -> GateResult:
    return GateResult(
        Outcome(source["answer"]), str(source["why"]), _text(source, "progress"), _maybe_time(source, "notBefore")
    )


def _stored_plan(plan: Plan) -> dict[str, Any]:
    return {
        "decidedAt": timestamp(plan.decided_at),
        "diagnosis": plan.diagnosis,
        "steps": [
            {
                "workload": step.workload,
                "deadlineSeconds": step.deadline_seconds,
                "pods": [{"name": pod.name, "uid": pod.uid} for pod in step.pods],
            }
            for step in plan.steps
        ],
    }


def _plan(source: Any) -> Plan | None:
    if not isinstance(source, Mapping):
        return None
    return Plan(
        _time(source["decidedAt"]), str(source["diagnosis"]), tuple(_step(each) for each in _list(source, "steps"))
    )


def _step(source: Mapping[str, Any]) -> Step:
    pods = tuple(PlannedPod(str(each["name"]), str(each["uid"])) for each in _list(source, "pods"))
    seconds = int(source["deadlineSeconds"])
    if not 0 <= seconds <= _LONGEST_DEADLINE:
        raise ValueError(f"a deadline of {seconds} seconds is none")
    return Step(str(source["workload"]), pods, seconds)


def _time(text: Any) -> datetime:
    moment = time(text)
    if moment is None or moment.year >= _NO_YEAR_OF_OURS:
        raise ValueError(f"{text!r} is not a time")
    return moment


def _maybe_time(source: Mapping[str, Any], key: str) -> datetime | None:
    return _time(source[key]) if source.get(key) is not None else None


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _map(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = source.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(source: Mapping[str, Any], key: str) -> Iterable[Mapping[str, Any]]:
    found = source.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _text(source: Mapping[str, Any], key: str) -> str:
    found = source.get(key)
    return found if isinstance(found, str) else ""


def _lines(source: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = source.get(key, [])
    if not isinstance(found, list):
        raise TypeError(f"{key} is not a list")
    return tuple(str(line) for line in found)
