"""Watching: ask every gate at every look, until all are open or a person is needed. Pure."""

from dataclasses import replace

from remediator import gates, plan
from remediator.answers import Answer, Word
from remediator.course import Course, could_not_tell
from remediator.episode import Episode, Phase, Reason
from remediator.gates import Seen, Situation
from remediator.policy import Mode
from remediator.situation import Close, Continue, Decision, Inputs, Wait, moved
from stagekeeper.diego.diagnosis import Name
from stagekeeper.diego.durations import spell


def watch(episode: Episode, given: Inputs) -> Decision:
    """Ask every gate; act when all are open, and see to it that a person hears of it when they stay closed."""
    answers = gates.ask(_situation(episode, given))
    seen = _noted(episode, given, answers)
    course = _remember(given, answers)
    if given.look.diagnosis.name is Name.SERVING:
        healed = moved(seen, Phase.SELF_HEALED, Reason.SERVING, given.look.diagnosis.why, given)
        return healed, course, Close()
    if all(answer.opens for name, answer in answers if name != "mode"):
        return _open_gates(seen, given, course)
    ended = _give_up(seen, given, course)
    return (ended, course, Close()) if ended else (seen, course, Wait(_first_closed(answers)))


def _situation(episode: Episode, given: Inputs) -> Situation:
    return Situation(
        environment=given.environment,
        policy=given.policy,
        look=given.look,
        course=given.course,
        pause=given.pause,
        alerts=given.alerts,
        past=given.past,
        accept=episode.request.accept,
    )


def _noted(episode: Episode, given: Inputs, answers: tuple[tuple[str, Answer], ...]) -> Episode:
    """With the answers and the evidence, replaced only when an answer or the diagnosis changed."""
    overdue = given.look.moment.at - episode.created >= given.policy.overdue_after
    if answers == episode.gates and given.look.diagnosis.name == episode.diagnosis and overdue == episode.overdue:
        return episode
    return replace(
        episode,
        gates=answers,
        diagnosis=given.look.diagnosis.name,
        evidence=given.look.diagnosis.evidence,
        overdue=overdue,
    )


def _remember(given: Inputs, answers: tuple[tuple[str, Answer], ...]) -> Course:
    refusals = [name for name, answer in answers if answer.word is Word.NEVER and name != "mode"]
    by = f"{'+'.join(refusals)}:{given.look.diagnosis.name}" if refusals else ""
    gone = bool(given.alerts) and all(each.seen is Seen.ABSENT for each in given.alerts)
    moment, gap = given.look.moment, given.policy.largest_gap
    blind = not refusals and could_not_tell(given.look.diagnosis)
    course = given.course if blind else given.course.refused(by, moment, gap)
    return course.without_alert(gone, moment, gap)


def _open_gates(episode: Episode, given: Inputs, course: Course) -> Decision:
    made = plan.make(given.seen, given.look.diagnosis.name, given.policy.step_margin)
    pods = ", ".join(pod.name for step in made.steps for pod in step.pods)
    if given.policy.mode is Mode.OBSERVE:
        said = f"In mode act, {pods} would be restarted now: {given.look.diagnosis.why}"
        observed = replace(moved(episode, Phase.OBSERVED, Reason.WOULD_RESTART, said, given), would_restart=made)
        return observed, course, Close()
    said = f"Restarting {pods}: {given.look.diagnosis.why}"
    return replace(moved(episode, Phase.RESTARTING, Reason.GATES_OPEN, said, given), plan=made), course, Continue()


def _give_up(episode: Episode, given: Inputs, course: Course) -> Episode | None:
    """The escalation that is due, if any."""
    policy, why = given.policy, given.look.diagnosis.why
    if course.never is not None and course.never.length >= policy.never_for:
        refusal = next((a.why for n, a in episode.gates if a.word is Word.NEVER and n != "mode"), why)
        return moved(episode, Phase.ESCALATED, Reason.NEVER, f"{_verdict(given)} {refusal}", given)
    gone = course.alert_gone is not None and course.alert_gone.length >= policy.never_for
    if gone and not could_not_tell(given.look.diagnosis):
        said = f"No Alertmanager has the alert, but the BBS does not serve. {why}"
        return moved(episode, Phase.ESCALATED, Reason.ALERT_GONE, said, given)
    if given.look.moment.at - episode.created >= policy.give_up_after:
        said = f"Not cured within {spell(policy.give_up_after)}. {_first_closed(episode.gates)}"
        return moved(episode, Phase.ESCALATED, Reason.GAVE_UP, said, given)
    return None


def _verdict(given: Inputs) -> str:
    """Why a person is called. A stuck BBS is the one whose likely cure is a restart that we do not decide on."""
    if given.look.diagnosis.name is Name.STUCK_UNAVAILABLE:
        return "A person must decide on this restart: stagekeeper restart --accept stuck_unavailable --reason WHY."
    return "A restart is not the cure."


def _first_closed(answers: tuple[tuple[str, Answer], ...]) -> str:
    return next((f"Gate {name}: {answer.why}" for name, answer in answers if not answer.opens), "")
