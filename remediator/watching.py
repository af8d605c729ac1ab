"""Watching: ask every gate at every observation, until all are open or a person is needed. Pure."""

from dataclasses import replace

from remediator import gates, overriding, plan
from remediator.escalating import escalated
from remediator.inputs import AlertState, Close, Continue, Decision, Inputs, Wait, moved
from remediator.policy import Mode
from remediator.remediation import ALERT_GONE, GateResult, Outcome, Phase, Reason, Remediation
from remediator.streaks import Streaks
from stagekeeper.config.durations import in_words
from stagekeeper.diego.conditions import Condition, Diagnosis, Restart
from stagekeeper.kube.wording import sentence

Answers = tuple[tuple[str, GateResult], ...]
_NOT_KNOWN = frozenset({Condition.OBSERVER_FAULT, Condition.LABEL_CONTRADICTS})
"""Of what else is refused, that of which nobody can say what a restart would do."""
_WHATEVER_IS_APPROVED = frozenset({"pause", "alert", "cooldown", "budget"})
"""The gates that hold a restart up all the same."""


def watch(remediation: Remediation, given: Inputs) -> Decision:
    """Ask every gate; act when all are open, and see to it that a person hears of it when they stay closed."""
    given = replace(given, streaks=_with_alerts(given))
    answers = gates.ask(given)
    noted = _noted(remediation, given, answers)
    streaks = _remember(given, answers)
    if given.assessment.diagnosis.name is Condition.SERVING:
        return _serving(noted, streaks, given)
    if all(answer.opens for name, answer in answers if name != "mode"):
        return _open_gates(noted, given, streaks)
    ended = None if given.assessment.blind else _give_up(noted, given, streaks)
    return (ended, streaks, Close()) if ended else (noted, streaks, Wait(first_closed(answers), answers))


def _serving(remediation: Remediation, streaks: Streaks, given: Inputs) -> Decision:
    """One lucky observation heals nothing: as many are asked for as after a restart."""
    needed = given.policy.verify_observations
    if streaks.serving < needed:
        seen = f"Seen in {streaks.serving} of {needed} checks in a row"
        return remediation, streaks, Wait(f"{given.assessment.diagnosis.why} {seen}.")
    healed = moved(remediation, Phase.SELF_HEALED, Reason.SERVING, given.assessment.diagnosis.why, given)
    return healed, streaks, Close()


def _with_alerts(given: Inputs) -> Streaks:
    if given.assessment.blind:
        return given.streaks
    states = {each.state for each in given.alerts}
    suppressed = frozenset(
        each.alertmanager
        for each in given.alerts
        if each.state is AlertState.SUPPRESSED
        or (each.state is AlertState.UNREADABLE and each.alertmanager in given.streaks.suppressed)
    )
    return given.streaks.with_alerts(
        gone=states == {AlertState.ABSENT},
        unread={AlertState.ACTIVE, AlertState.UNREADABLE} <= states,
        suppressed=suppressed,
        moment=given.assessment.moment,
        tolerance=given.policy.tolerance,
    )


def _noted(remediation: Remediation, given: Inputs, answers: Answers) -> Remediation:
    """With the answers and the evidence, replaced only when an answer changed; that of the diagnosis names it."""
    overdue = remediation.overdue or given.elapsed >= given.policy.overdue_after
    found = given.assessment.diagnosis
    if answers == remediation.gates and overdue == remediation.overdue:
        return remediation
    noted = replace(remediation, gates=answers, diagnosis=found.name, evidence=found.evidence, overdue=overdue)
    closed = first_closed(answers)
    return noted.with_line(closed, given.at) if closed and closed != first_closed(remediation.gates) else noted


def _remember(given: Inputs, answers: Answers) -> Streaks:
    if given.assessment.blind:
        return given.streaks
    refusals = tuple(answer.why for name, answer in answers if answer.outcome is Outcome.NEVER and name != "mode")
    if given.assessment.diagnosis.name is Condition.SERVING:
        refusals = ()
    return given.streaks.refused(refusals, given.assessment.moment, given.policy.tolerance)


def _open_gates(remediation: Remediation, given: Inputs, streaks: Streaks) -> Decision:
    found = given.assessment.diagnosis
    made = plan.make(given.seen, found.name, given.policy.step_margin)
    pods = ", ".join(pod.name for pod in made.pods)
    if given.policy.mode is Mode.OBSERVE:
        if remediation.request.mode == Mode.ACT:
            ended = _give_up(remediation, given, streaks)
            waiting = remediation, streaks, Wait("Another replica, in mode act, is at work on this.")
            return (ended, streaks, Close()) if ended else waiting
        said = f"In mode act, {pods} would be restarted now: {found.why}"
        observed = replace(moved(remediation, Phase.OBSERVED, Reason.WOULD_RESTART, said, given), would_restart=made)
        return observed, streaks, Close()
    said = f"Restarting {pods}: {found.why}"
    decided = replace(moved(remediation, Phase.RESTARTING, Reason.GATES_OPEN, said, given), plan=made)
    return replace(decided, plan_evidence=found.evidence), streaks, Continue()


def _give_up(remediation: Remediation, given: Inputs, streaks: Streaks) -> Remediation | None:
    """The escalation that is due, if any."""
    policy, found = given.policy, given.assessment.diagnosis
    if streaks.never is not None and streaks.never.lasts(policy.never_for):
        reason, said = _refusal(given, remediation.gates)
        if reason is Reason.NEVER and len(streaks.never.names) > 1:  # each says for itself what a restart would do
            said = f"No restart: every check of the last {in_words(policy.never_for)} refused it."
        first = overriding.to_deal_with(given) if reason is Reason.NEVER else None
        return escalated(remediation, reason, f"{said} {' '.join(streaks.never.names)}", given, first)
    if streaks.alert_gone is not None and streaks.alert_gone.lasts(policy.never_for):
        said = f"The alert is not firing in any Alertmanager, but the fault persists. {found.why}"
        gone = escalated(remediation, Reason.ALERT_GONE, said, given)
        return gone.released(ALERT_GONE, given.at)  # the alert that comes back opens the next one at once
    if given.elapsed >= policy.give_up_after:
        given_up = f"Not fixed within {in_words(policy.give_up_after)}."
        said, other = f"{given_up} {first_closed(remediation.gates)}", _in_between(remediation.gates, given)
        if other is not None:
            said = f"{sentence(said)} In between it was {other.name}: {other.why}"
        return escalated(remediation, Reason.GAVE_UP, said, given, other or overriding.to_deal_with(given))
    return None


def _in_between(answers: Answers, given: Inputs) -> Diagnosis | None:
    """What kept the diagnosis from persisting for as long as it must; None where something else holds a restart."""
    unconfirmed = [name for name, _ in gates.closed(answers)][:1] == ["confirmation"]
    other = given.streaks.other
    return other if unconfirmed and other and other.name is not given.assessment.diagnosis.name else None


def _refusal(given: Inputs, answers: Answers) -> tuple[Reason, str]:
    """Why a person is called: what refused, and what that means."""
    refusing = [name for name, answer in answers if answer.outcome is Outcome.NEVER and name != "mode"]
    found = given.assessment.diagnosis.name
    other = overriding.hindering(given) if "diagnosis" in refusing else None
    seen = given.streaks.diagnosis
    for_good = other is not None and other.answer is Restart.NEVER and seen and seen.lasts(given.policy.never_for)
    asked_for = overriding.PERSONS_CHOICE - overriding.accepted(given)
    if "diagnosis" in refusing and found in asked_for and not for_good and not overriding.in_doubt(given.seen):
        theirs = ", and make it: the mode is observe" if given.policy.mode is Mode.OBSERVE else ""
        waits = [f" It would wait while {other.condition}: {sentence(other.why)}"] if other else []
        waits += [
            f" It would wait for the gate {name}: {sentence(answer.why)}"
            for name, answer in gates.closed(answers)
            if name in _WHATEVER_IS_APPROVED
        ]
        return Reason.AWAITING_APPROVAL, f"A person must decide on this restart{theirs}.{''.join(waits)}"
    if refusing == ["bounds"]:
        return Reason.OUT_OF_BOUNDS, "A restart would be out of bounds."
    if other is not None:
        return Reason.NEVER, f"A restart is not the fix while {other.condition}: {sentence(other.why)}"
    if found in _NOT_KNOWN:
        return Reason.NEVER, "No restart: that it would be the fix can't be told."
    return Reason.NEVER, "A restart is not the fix."


def first_closed(answers: Answers) -> str:
    """The first gate that is closed, with its reason; "" if none is."""
    return next((f"Gate {name}: {answer.why}" for name, answer in gates.closed(answers)), "")
