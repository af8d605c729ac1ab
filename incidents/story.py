"""A stored `Remediation` told in sentences: why it was opened, what was decided and done, how it ended. Pure."""

from collections.abc import Iterator
from datetime import datetime

from remediator.episode import Deletion, Episode, Phase, Plan, Request

_RESULTS = {
    "deleted": "was deleted by the remediator",
    "gone": "was gone already when the remediator came to it",
    "terminating": "was Terminating already (deleted by an earlier call whose answer was lost, or by somebody else)",
    "replaced": "had been replaced by another pod of the same name, which was left alone",
}
_ENDS = {
    Phase.WATCHING: "It is open: the remediator looks every few seconds, and acts when every gate is open.",
    Phase.RESTARTING: "It is open: the planned pods are being terminated.",
    Phase.VERIFYING: "It is open: the restart has yet to be proven.",
    Phase.RECOVERED: "It ended well: the BBS serves again, which was proven look after look.",
    Phase.SELF_HEALED: "It ended well without any restart: the BBS was seen serving.",
    Phase.OBSERVED: "The mode was observe, so nothing was restarted.",
    Phase.ESCALATED: "It was handed over to a person.",
}


def story(episode: Episode) -> str:
    """The whole story, one sentence a line."""
    lines = [_opened(episode), *_logbook(episode), *_plans(episode), *map(_fate, episode.deletions)]
    lines += [*_gates(episode), *_evidence(episode), _ENDS[episode.phase], *_latch(episode)]
    return "".join(f"{line}\n" for line in lines)


def _opened(episode: Episode) -> str:
    asked = episode.request
    where = f" of environment {asked.environment}" if asked.environment else ""
    return f"{episode.name}{where} was opened at {_time(episode.created)} {_why(asked)}"


def _why(asked: Request) -> str:
    if asked.person:
        said = f"because {asked.person} asked for a restart"
        said += f" (“{asked.why}”)" if asked.why else ""
        return said + (f", accepting the diagnosis {asked.accept}." if asked.accept else ".")
    since = f", firing since {asked.starts_at}" if asked.starts_at else ""
    return f"for the alert {asked.alertname or 'that was not named'}{since}."


def _logbook(episode: Episode) -> Iterator[str]:
    for each in episode.transitions:
        yield f"{_time(each.at)}: {each.phase} ({each.reason}). {each.message}"
    if not episode.transitions and episode.message:
        yield episode.message


def _plans(episode: Episode) -> Iterator[str]:
    if episode.plan is not None:
        yield f"The plan, written once before the first deletion: {_planned(episode.plan)}"
    if episode.would_restart is not None:
        yield f"The plan that mode act would have carried out: {_planned(episode.would_restart)}"


def _planned(plan: Plan) -> str:
    steps = [f"{step.workload} ({', '.join(pod.name for pod in step.pods)})" for step in plan.steps]
    return f"{', then '.join(steps) or 'no pods'}, for {plan.diagnosis}."


def _fate(done: Deletion) -> str:
    return f"{_time(done.at)}: {done.name} {_RESULTS.get(done.result, f'was noted as {done.result}')}."


def _gates(episode: Episode) -> Iterator[str]:
    if episode.gates:
        yield "The gates answered last, while it watched:"
    for name, answer in episode.gates:
        yield f"  {name}: {answer.word}. {answer.why}"


def _evidence(episode: Episode) -> Iterator[str]:
    if episode.diagnosis:
        yield f"The diagnosis noted last is {episode.diagnosis}; what was seen then:"
    for line in episode.evidence:
        yield f"  {line}"


def _latch(episode: Episode) -> Iterator[str]:
    if episode.latched:
        yield "The target is left alone until the BBS serves, or until `stagekeeper reset` releases it."
    elif episode.released_at is not None:
        by = "because the BBS served again" if episode.released_by == "serving" else f"by {episode.released_by}"
        yield f"It was released at {_time(episode.released_at)} {by}."


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
