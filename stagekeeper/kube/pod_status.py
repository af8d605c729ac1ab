"""A pod in a word, as the column STATUS of `kubectl get pods` has it, and why in a sentence. Pure.

The order of the questions is kubectl's (kubernetes:pkg/printers/internalversion/printers.go, printPod), so that a
person who types the next command sees the word that was said. But a pod that has ended is called by its own reason or
phase, where kubectl may show only how its last container ended.
"""

from datetime import datetime

from stagekeeper.kube.objects import Container, Pod, PodCondition

_LONGEST = 160
"""Characters of a kubelet's or scheduler's message that a sentence takes; they can be pages."""
_BEFORE_READY = frozenset({"PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"})
"""The conditions that a pod passes on its way to being Ready."""
_BEING_MADE = frozenset({"PodInitializing", "ContainerCreating"})


def status(pod: Pod) -> str:
    """Running, Pending, Evicted, Init:0/1, CrashLoopBackOff, Terminating, ..."""
    word = pod.reason or pod.phase or "Unknown"
    if pod.ended:
        return word
    if pod.terminating:
        return "Unknown" if pod.reason == "NodeLost" else "Terminating"
    gated = condition(pod, "PodScheduled").reason == "SchedulingGated"
    return _initializing(pod) or _by_containers(pod, "SchedulingGated" if gated else word)


def _initializing(pod: Pod) -> str:
    """What the first init container that is not done is at; "" once they all are."""
    for index, each in enumerate(pod.init_containers):
        if each.exit_code == 0 or (each.sidecar and each.runs and not each.unstarted):
            continue
        if each.ended is not None:
            return f"Init:{each.ended}"
        if each.waiting not in {None, "PodInitializing"}:
            return f"Init:{each.waiting}"
        return f"Init:{index}/{len(pod.init_containers)}" if _containers_wait(pod) else ""
    return ""


def _containers_wait(pod: Pod) -> bool:
    """Whether nothing but init containers has begun: one without a status says nothing of a pod that runs."""
    return not any(each.runs or each.ended for each in pod.containers)


def _by_containers(pod: Pod, word: str) -> str:
    running = False
    for each in reversed(pod.containers):
        if each.waiting:
            word = each.waiting
        elif each.ended:
            word = each.ended
        running = running or (each.ready and each.runs)
    if word == "Completed" and running:
        return "Running" if pod.ready == "True" else "NotReady"
    return word


def why(pod: Pod) -> str:
    """What Kubernetes itself says of a pod that does not run: the message behind the status; "" if there is none."""
    scheduled = condition(pod, "PodScheduled")
    unscheduled = scheduled.status == "False" and (scheduled.message or scheduled.reason)
    containers = (*pod.init_containers, *pod.containers)
    waiting = next((f"{each.name}: {each.waiting_message}" for each in containers if each.waiting_message), "")
    ended = next((f"{each.name}: {ending(each)}" for each in pod.containers if each.ended), "")
    disrupted = condition(pod, "DisruptionTarget").message if pod.terminating or pod.ended else ""
    return shortened(pod.message or disrupted or unscheduled or waiting or ended)


def described(pod: Pod) -> str:
    """Status and reason together, as a sentence has them: `Evicted (The node was low on resource: memory)`."""
    reason = why(pod)
    return f"{status(pod)} ({reason})" if reason else status(pod)


def ending(container: Container) -> str:
    """How a container's last run ended: `OOMKilled, exit code 137`; "" if none has."""
    reason, code = (container.ended, container.exit_code) if container.ended else (None, None)
    if reason is None:
        reason, code = container.last_ended, container.last_exit_code
    if reason is None:
        return ""
    return reason if code is None or reason.startswith(("ExitCode:", "Signal:")) else f"{reason}, exit code {code}"


def being_made(container: Container) -> bool:
    """Whether it waits for what comes before every start: the pod's sandbox, volumes, init containers."""
    return container.waiting in _BEING_MADE


def not_ready_since(pod: Pod) -> datetime | None:
    """Since when it has been as far from Ready as it is: the latest step that it lost, or has not taken yet.

    A pod whose node was rebooted is as old as before, and Pending again for as long as its conditions say.
    """
    lost = [each.since for each in pod.conditions if each.type in _BEFORE_READY and each.status != "True"]
    return max((moment for moment in (*lost, pod.created) if moment is not None), default=None)


def condition(pod: Pod, type_: str) -> PodCondition:
    """The pod's condition of that type; one without a status where it has none."""
    return next((each for each in pod.conditions if each.type == type_), PodCondition(type_, None))


def shortened(message: str) -> str:
    """A message from outside on one line, without the full stop that the sentence around it brings."""
    line = " ".join(message.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
