"""What an escalation tells whoever is woken by it. Pure.

Why, what was deleted and what was not, what each pod answers now, and the next command, complete.
"""

from remediator import approval, gates, pause, plan
from remediator.inputs import Inputs, blocking, moved
from remediator.policy import Mode
from remediator.remediation import Phase, Reason, Remediation
from stagekeeper.diego import commands
from stagekeeper.diego.advice import advise
from stagekeeper.diego.conditions import Condition, Diagnosis
from stagekeeper.diego.observation import Observation, Probe
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.errors import WebhookFailed
from stagekeeper.kube.pod_status import described
from stagekeeper.kube.wording import sentence

NEXT = " Next: "
"""What stands before the next command, at the end of the message."""


def escalated(
    remediation: Remediation, reason: Reason, why: str, given: Inputs, first: Diagnosis | None = None
) -> Remediation:
    """The remediation, handed to a person by what this observation shows.

    `first`: what is to be dealt with, where that is not the observation's own diagnosis.
    """
    said = " ".join(
        filter(None, (sentence(why), _unseen(reason, given), what_was_done(remediation), _answers(given.seen)))
    )
    return moved(remediation, Phase.ESCALATED, reason, f"{said}{NEXT}{_next(remediation, reason, given, first)}", given)


def next_step(message: str) -> str:
    """The next command with which an escalation's message ends; "" where there is none."""
    _, _, told = message.rpartition(NEXT)
    return told if NEXT in message else ""


def without_next(message: str) -> str:
    """The message without that command, for whoever shows it by itself."""
    return message.rpartition(NEXT)[0] or message


_LATE = frozenset({Reason.GAVE_UP, Reason.INTERRUPTED, Reason.PODS_LATE, Reason.NOT_SERVING})
"""What is written because something took too long."""


def _unseen(reason: Reason, given: Inputs) -> str:
    """Since when nothing could be seen, where that has just ended and so held everything up; else ""."""
    unseen, watched = given.streaks.unseen, given.streaks.watched(given.assessment.moment)
    unwatched = watched < given.policy.never_for < given.elapsed - watched
    if unwatched and reason in {Reason.GAVE_UP, Reason.INTERRUPTED}:
        return f"This process has watched it only since {given.at - watched:%H:%M:%S} UTC."
    if reason not in _LATE or unseen is None or given.at - unseen.until > given.policy.never_for:
        return ""
    why = unseen.why or "The Kubernetes API was away, or this process stood still."
    return f"From {unseen.since:%H:%M:%S} to {unseen.until:%H:%M:%S} UTC no check could tell. {sentence(why)}"


def what_was_done(remediation: Remediation) -> str:
    """What became of each planned pod."""
    if remediation.plan is None:
        return "Nothing was deleted."
    gone = f" Gone or replaced when we came: {names(remediation.gone)}." if remediation.gone else ""
    return f"Deleted: {names(remediation.deleted)}.{gone} Not deleted: {names(remediation.left)}."


def names(found: list[str] | tuple[str, ...]) -> str:
    """As a list for a sentence."""
    return ", ".join(found) or "none"


def _answers(seen: Observation) -> str:
    """What each pod answers, and the Service."""
    told = [f"{each.pod.name} {each.reply.value if each.reply else described(each.pod)}" for each in seen.known_pods]
    told += [f"Service {seen.service.reply.value}"] if isinstance(seen.service, Probe) else []
    return f"Answers now: {', '.join(told)}." if told else ""


def _next(remediation: Remediation, reason: Reason, given: Inputs, first: Diagnosis | None) -> str:
    """The next command, complete. Where a pause holds it up, that is ended first."""
    environment, found = given.environment, first or given.assessment.diagnosis
    if given.pause.paused and reason in {Reason.GAVE_UP, Reason.INTERRUPTED}:
        return (pause.look if given.pause.unread else pause.end)(environment.namespace)
    held = blocking(given.seen)
    if reason is Reason.PODS_LATE and held:
        return found.next or commands.describe(given.seen, held[0])
    tried = {Condition.NO_ACTIVE_BBS, Condition.STARTING, remediation.plan.diagnosis} if remediation.plan else set()
    if found.name in tried:  # a restart is what has been tried
        return _about_the_refusal(remediation, environment) or commands.all_logs(environment)
    agreed = any(name == "diagnosis" and answer.opens for name, answer in remediation.gates)
    command = _about_the_gate(remediation, given) if agreed or found.name is Condition.NO_ACTIVE_BBS else ""
    command = command or advise(given.seen, found).next_command(environment).removesuffix(" --from-pod")
    if reason is Reason.AWAITING_APPROVAL:
        approve = f"kubectl -n {environment.namespace} {approval.command(remediation.name, found.name)}"
        if given.policy.mode is Mode.OBSERVE:  # which heeds no approval
            made = plan.make(given.seen, found.name, given.policy.step_margin)
            approve = f"kubectl delete pod -n {environment.namespace} {' '.join(pod.name for pod in made.pods)}"
        nothing_first = found.name is Condition.STUCK_UNAVAILABLE and not found.next
        unless = "it does not migrate" if found.name is Condition.STUCK_UNAVAILABLE else "no BBS serves there"
        return approve if nothing_first else f"{command} ; if {unless}: {approve}"
    command = command.replace("stagekeeper restart", f"stagekeeper restart -n {environment.namespace}", 1)
    return command.replace("stagekeeper diagnose", f"{given.policy.inside}stagekeeper diagnose", 1)


def _about_the_refusal(remediation: Remediation, environment: Environment) -> str:
    """Who may delete pods, or what is asked before one is; "" where the API refused nothing."""
    if WebhookFailed.words in remediation.refused:
        return commands.webhooks()
    return commands.rights(environment) if remediation.refused else ""


def _about_the_gate(remediation: Remediation, given: Inputs) -> str:
    """The next command where a restart is the fix and another gate holds it: to ask for one again would not open it."""
    shut = [name for name, _ in gates.closed(remediation.gates)]
    match next((each for each in shut if each != "mode"), "mode" if shut else ""):
        case "alert" | "mode":
            return f"{given.policy.inside}stagekeeper status --environment {given.environment.name}"
        case "budget":
            return commands.all_logs(given.environment)
        case "bounds":
            return commands.labels(given.seen)
    return ""
