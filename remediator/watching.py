"""Watching: ask every gate at every observation, until all are open or a person is needed. Pure."""

from dataclasses import replace

from remediator import gates, plan
from remediator.answers import GateResult, Outcome
from remediator.gates import Seen, Situation
from remediator.policy import Mode
from remediator.remediation import Phase, Reason, Remediation
from remediator.situation import Close, Continue, Decision, Inputs, Wait, moved
from remediator.streaks import Streaks, could_not_tell
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.durations import spell


def watch(remediation: Remediation, given: Inputs) -> Decision:
    """Ask every gate; act when all are open, and see to it that a person hears of it when they stay closed."""
    answers = gates.ask(_situation(remediation, given))
    seen = _noted(remediation, given, answers)
    streaks = _remember(given, answers)
    if given.assessment.diagnosis.name is Condition.SERVING:
        healed = moved(seen, Phase.SELF_HEALED, Reason.SERVING, given.assessment.diagnosis.why, given)
        return healed, streaks, Close()
    if all(answer.opens for name, answer in answers if name != "mode"):
        return _open_gates(seen, given, streaks)
    ended = _give_up(seen, given, streaks)
    return (ended, streaks, Close()) if ended else (seen, streaks, Wait(_first_closed(answers)))


def _situation(remediation: Remediation, given: Inputs) -> Situation:
    return Situation(
        environment=given.environment,
        policy=given.policy,
        assessment=given.assessment,
        streaks=given.streaks,
        pause=given.pause,
        alerts=given.alerts,
        past=given.past,
        accept=remediation.request.accept,
    )


def _noted(remediation: Remediation, given: Inputs, answers: tuple[tuple[str, GateResult], ...]) -> Remediation:
    """With the answers and the evidence, replaced only when an answer or the diagnosis changed."""
    overdue = given.assessment.moment.at - remediation.created >= given.policy.overdue_after
    if (
        answers == remediation.gates
        and given.assessment.diagnosis.name == remediation.diagnosis
        and overdue == remediation.overdue
    ):
        return remediation
    return replace(
        remediation,
        gates=answers,
        diagnosis=given.assessment.diagnosis.name,
        evidence=given.assessment.diagnosis.evidence,
        overdue=overdue,
    )


def _remember(given: Inputs, answers: tuple[tuple[str, GateResult], ...]) -> Streaks:
    refusals = [name for name, answer in answers if answer.outcome is Outcome.NEVER and name != "mode"]
    by = f"{'+'.join(refusals)}:{given.assessment.diagnosis.name}" if refusals else ""
    gone = bool(given.alerts) and all(each.seen is Seen.ABSENT for each in given.alerts)
    moment, gap = given.assessment.moment, given.policy.largest_gap
    blind = not refusals and could_not_tell(given.assessment.diagnosis)
    streaks = given.streaks if blind else given.streaks.refused(by, moment, gap)
    return streaks.without_alert(gone, moment, gap)


def _open_gates(remediation: Remediation, given: Inputs, streaks: Streaks) -> Decision:
    made = plan.make(given.seen, given.assessment.diagnosis.name, given.policy.step_margin)
    pods = ", ".join(pod.name for step in made.steps for pod in step.pods)
    if given.policy.mode is Mode.OBSERVE:
        said = f"In mode act, {pods} would be restarted now: {given.assessment.diagnosis.why}"
        observed = replace(moved(remediation, Phase.OBSERVED, Reason.WOULD_RESTART, said, given), would_restart=made)
        return observed, streaks, Close()
    said = f"Restarting {pods}: {given.assessment.diagnosis.why}"
    return replace(moved(remediation, Phase.RESTARTING, Reason.GATES_OPEN, said, given), plan=made), streaks, Continue()


def _give_up(remediation: Remediation, given: Inputs, streaks: Streaks) -> Remediation | None:
    """The escalation that is due, if any."""
    policy, why = given.policy, given.assessment.diagnosis.why
    if streaks.never is not None and streaks.never.length >= policy.never_for:
        refusal = next((a.why for n, a in remediation.gates if a.outcome is Outcome.NEVER and n != "mode"), why)
        return moved(remediation, Phase.ESCALATED, Reason.NEVER, f"{_verdict(given)} {refusal}", given)
    gone = streaks.alert_gone is not None and streaks.alert_gone.length >= policy.never_for
    if gone and not could_not_tell(given.assessment.diagnosis):
        said = f"No Alertmanager has the alert, but the BBS does not serve. {why}"
        return moved(remediation, Phase.ESCALATED, Reason.ALERT_GONE, said, given)
    if given.assessment.moment.at - remediation.created >= policy.give_up_after:
        said = f"Not cured within {spell(policy.give_up_after)}. {_first_closed(remediation.gates)}"
        return moved(remediation, Phase.ESCALATED, Reason.GAVE_UP, said, given)
    return None


def _verdict(given: Inputs) -> str:
    """Why a person is called. A stuck BBS is the one whose likely cure is a restart that we do not decide on."""
    if given.assessment.diagnosis.name is Condition.STUCK_UNAVAILABLE:
        return "A person must decide on this restart: stagekeeper restart --accept stuck_unavailable --reason WHY."
    return "A restart is not the cure."


def _first_closed(answers: tuple[tuple[str, GateResult], ...]) -> str:
    return next((f"Gate {name}: {answer.why}" for name, answer in answers if not answer.opens), "")
