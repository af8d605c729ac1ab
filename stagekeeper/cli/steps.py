"""The tutorial's eight steps, each with what one observation saw of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stagekeeper.cli.advice import Advice
from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.diego.diagnosis import Condition, Diagnosis
from stagekeeper.diego.evidence import probe
from stagekeeper.diego.observation import Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.kube.objects import Container


class State(StrEnum):
    """How a step stands."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    TO_DO = "to do"
    NO = "no"
    """It must not be done, since it would not help."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the eight: its title, how it stands, and what was seen."""

    title: str
    state: State
    seen: str


def steps(
    observation: Observation, diagnosis: Diagnosis, advice: Advice, errors: StagerErrors, asked_from: str
) -> tuple[Step, ...]:
    """The eight steps of the tutorial, in order. `asked_from` says where the probes were made."""
    service = _service(observation)
    answer = f"The Service, asked from {asked_from}: {probe(observation.service)}."
    return (
        _controllers(observation),
        Step("The Cloud Controller's side can connect to the BBS", service, answer),
        _restart(diagnosis, advice),
        _ready(observation),
        _one_active(observation),
        Step("The connection is open", service, answer),
        Step("The stager can be reached", _verdict(diagnosis), f"{diagnosis.name}: {diagnosis.why}"),
        _can_push(diagnosis, errors),
    )


def _controllers(observation: Observation) -> Step:
    title = "All Cloud Controller pods run and are ready"
    match observation.cloud_controller:
        case ReadyPods(ready, total):
            state = State.OK if ready == total > 0 else State.FAILED
            return Step(title, state, f"{ready} of {total} pods are Ready.")
        case Unknown(reason):
            return Step(title, State.UNKNOWN, reason)
        case _:
            return Step(title, State.UNKNOWN, "This environment has no selector for the Cloud Controller's pods.")


def _service(observation: Observation) -> State:
    if not isinstance(observation.service, Probe):
        return State.UNKNOWN
    return State.OK if observation.service.reply is Reply.OK else State.FAILED


def _restart(diagnosis: Diagnosis, advice: Advice) -> Step:
    by_name = {
        Condition.SERVING: State.OK,
        Condition.NO_ACTIVE_BBS: State.TO_DO,
        Condition.OBSERVER_FAULT: State.UNKNOWN,
    }
    state = by_name.get(diagnosis.name, State.NO)
    return Step("If not: restart all BBS pods", state, advice.restart)


def _ready(observation: Observation) -> Step:
    title = "All BBS pods run, with all containers ready"
    for part in (observation.pods, observation.workloads):
        if isinstance(part, Unknown):
            return Step(title, State.UNKNOWN, part.reason)
    ready = sum(each.pod.all_ready for each in observation.known_pods)
    containers = [f"{each.pod.name} {_ready_of(each.pod.containers)}" for each in observation.known_pods]
    whole = ready == len(observation.known_pods) == observation.desired > 0
    seen = f"{ready} of {observation.desired} desired pods are ready: {', '.join(containers) or 'there is no pod'}."
    return Step(title, State.OK if whole else State.FAILED, seen)


def _ready_of(containers: Sequence[Container]) -> str:
    """As kubectl shows it: 2/2."""
    return f"{sum(each.ready for each in containers)}/{len(containers)}"


def _one_active(observation: Observation) -> Step:
    title = "Exactly one BBS pod is labelled active"
    if isinstance(observation.pods, Unknown):
        return Step(title, State.UNKNOWN, "Not known, as step 4.")
    if any(each.labelled_active is None for each in observation.known_pods):
        return Step(title, State.UNKNOWN, "This platform does not set the label.")
    active = [each.pod.name for each in observation.known_pods if each.counts_as_active]
    seen = f"{len(active)}: {', '.join(active)}." if active else "None is."
    return Step(title, State.OK if len(active) == 1 else State.FAILED, seen)


def _verdict(diagnosis: Diagnosis) -> State:
    by_name = {Condition.SERVING: State.OK, Condition.OBSERVER_FAULT: State.UNKNOWN}
    return by_name.get(diagnosis.name, State.FAILED)


def _can_push(diagnosis: Diagnosis, errors: StagerErrors) -> Step:
    return Step("Developers can push", _verdict(diagnosis), errors.sentence())
