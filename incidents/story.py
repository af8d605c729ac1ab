"""A stored `Remediation` told in sentences: why it was opened, what was decided and done, how it ended. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from remediator import gates
from remediator.commands.words import outcome_word, phase_word
from remediator.policy import Mode, Policy
from remediator.remediation import ALERT_GONE, NOT_ALL_BACK, Deletion, Phase, Plan, Remediation, Request
from stagekeeper.config.durations import in_words
from stagekeeper.visible import visible

_RESULTS = {
    "deleted": "was deleted by the remediator",
    "gone": "was gone already when the remediator came to it",
    "terminating": "was Terminating already (deleted by an earlier call whose answer was lost, or by somebody else)",
    "replaced": "had been replaced by another pod of the same name, which was left alone",
    "refused": "was refused: no pod that a restart may delete has that name",
}
_ENDS = {
    Phase.RECOVERED: "Result: recovered (proven in one check after the other).",
    Phase.SELF_HEALED: "Result: recovered without a restart (seen in one check after the other).",
    Phase.OBSERVED: "The mode was observe, so nothing was restarted.",
    Phase.ESCALATED: "It was escalated to a person.",
}


def story(remediation: Remediation, reset: str = "stagekeeper reset") -> str:
    """The whole story, one sentence a line; `reset` is how that is called here, without the environment."""
    lines = [visible(_opened(remediation)), *_logbook(remediation)]
    lines += map(visible, [*_plans(remediation), *map(_fate, remediation.deletions)])
    lines += [*_gates(remediation), *map(visible, _evidence(remediation))]
    lines += [_ENDS[remediation.phase]] if not remediation.phase.open else []
    lines += map(visible, [comes_next(remediation, Policy(mode=Mode.ACT), reset), *_release(remediation)])
    return "".join(f"{line}\n" for line in lines if line)


def comes_next(remediation: Remediation, policy: Policy, reset: str = "stagekeeper reset") -> str:
    """What is waited for, and the deadline that comes next, by `policy`; "" where nothing is."""
    match remediation.phase:
        case Phase.WATCHING:
            closed = next((name for name, _ in gates.closed(remediation.gates) if name != "mode"), None)
            paged, ends = remediation.created + policy.overdue_after, remediation.created + policy.give_up_after
            page = "" if remediation.overdue else f"a person is paged at {paged:%H:%M:%S} UTC, and "
            waits = f"It waits for the gate {closed}" if closed else "It asks every gate"
            return f"{waits}; {page}escalated at {ends:%H:%M:%S} UTC at the latest."
        case Phase.RESTARTING:
            step = remediation.current_step
            left = [pod.name for pod in step.pods if not remediation.done(pod)] if step else []
            within = sum(each.deadline_seconds for each in remediation.plan.steps) if remediation.plan else 0
            ends = remediation.entered + timedelta(seconds=within)
            return (
                f"Still to be deleted: {', '.join(left) or 'nothing'}; escalated at {ends:%H:%M:%S} UTC at the latest."
            )
        case Phase.VERIFYING:
            needed = f"{policy.verify_observations} serving observations in a row"
            return f"It waits for {needed}; escalated {in_words(policy.verify_for)} after the new pods are ready."
        case _ if remediation.latched:
            release = f"{reset} --environment {remediation.request.environment}"
            return f"It waits for a person, or for the BBS to serve again. To release it: {release}"
    return ""


def _opened(remediation: Remediation) -> str:
    asked = remediation.request
    where = f" of environment {asked.environment}" if asked.environment else ""
    return f"{remediation.name}{where} was opened at {_time(remediation.created)} {_why(asked)}"


def _why(asked: Request) -> str:
    if asked.person:
        said = f"because {asked.person} asked for a restart"
        said += f" (“{asked.why}”)" if asked.why else ""
        return said + (f", accepting the diagnosis {asked.accept}." if asked.accept else ".")
    since = f", firing since {asked.starts_at}" if asked.starts_at else ""
    return f"for the alert {asked.alertname or 'that was not named'}{since}."


def _logbook(remediation: Remediation) -> Iterator[str]:
    for each in remediation.transitions:
        yield f"{_time(each.at)}: {phase_word(each.phase)} {visible(f'({each.reason}). {each.message}')}"
    if not remediation.transitions and remediation.message:
        yield visible(remediation.message)


def _plans(remediation: Remediation) -> Iterator[str]:
    if remediation.plan is not None:
        yield f"The plan, written once before the first deletion: {_planned(remediation.plan)}"
        if remediation.plan_evidence:
            yield "What was seen when it was written:"
        yield from (f"  {line}" for line in remediation.plan_evidence)
    if remediation.would_restart is not None:
        yield f"The plan that mode act would have carried out: {_planned(remediation.would_restart)}"


def _planned(plan: Plan) -> str:
    steps = [f"{step.workload} ({', '.join(pod.name for pod in step.pods)})" for step in plan.steps]
    return f"{', then '.join(steps) or 'no pods'}, for {plan.diagnosis}."


def _fate(done: Deletion) -> str:
    return f"{_time(done.at)}: {done.name} {_RESULTS.get(done.result, f'was noted as {done.result}')}."


def _gates(remediation: Remediation) -> Iterator[str]:
    if remediation.gates:
        yield "The gates answered last, while it watched:"
    for name, answer in remediation.gates:
        yield f"  {visible(name)}: {outcome_word(answer.outcome)}. {visible(answer.why)}"


def _evidence(remediation: Remediation) -> Iterator[str]:
    if remediation.diagnosis:
        yield f"The diagnosis noted last is {remediation.diagnosis}; what was seen then:"
    for line in remediation.evidence:
        yield f"  {line}"


def _release(remediation: Remediation) -> Iterator[str]:
    if remediation.released_at is not None:
        by = {
            "serving": "since it was seen serving again",
            NOT_ALL_BACK: "since it was seen serving again; not all pods were back",
            ALERT_GONE: "since the alert is gone: if it comes back, it opens the next one",
        }.get(remediation.released_by, f"by {remediation.released_by}")
        yield f"It was released at {_time(remediation.released_at)} {by}."


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
