"""The tutorial's eight steps, each with what one observation saw of it. Pure.

IBM Cloud, "Debugging an unavailable Stager" (CFEE): 1 list the Cloud Controller's pods, 2 see that all their containers
are ready, 3 go into `api-0`, 4 `nc` to port 8889 of the BBS, 5 delete all diego-api pods (before 2.0 all diego-locket
pods), 6 wait until they are 2/2 and one is active, 7 `nc` again, 8 the stager is ready.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.diego.advice import Advice
from stagekeeper.diego.diagnosis import Condition, Diagnosis
from stagekeeper.diego.evidence import probe
from stagekeeper.diego.observation import Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.kube.objects import Container
from stagekeeper.kube.wording import sentence


class StepState(StrEnum):
    """How a step stands."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    TO_DO = "to do"
    NOT_NEEDED = "not needed"
    NOT_ADVISED = "not advised"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the probes were made."""

    name: str
    inside: bool = True
    """Whether it can reach what is in the cluster's network."""


@dataclass(frozen=True, slots=True)
class TutorialStep:
    """One of the eight: its title, which is true however it stands; how it stands; what was seen."""

    title: str
    state: StepState
    seen: str


def steps(
    observation: Observation, diagnosis: Diagnosis, advice: Advice, errors: StagerErrors, asked_from: Place
) -> tuple[TutorialStep, ...]:
    """The eight steps of the tutorial, in order. From outside none has failed: what is seen there is half of it."""
    port = observation.sought.port
    connection = TutorialStep(
        f"Connection to the BBS Service on port {port}",
        _service(observation, asked_from),
        f"Asked from {asked_from.name}: {probe(observation.service)}.",
    )
    restart = TutorialStep("Restart of all BBS pods", _restart(diagnosis), advice.restart)
    found = (
        *_controllers(observation),
        TutorialStep("Place that the connection is tested from", *_place(asked_from)),
        connection,
        restart,
        _ready(observation),
        _again(connection, restart),
        TutorialStep("Stager", _verdict(diagnosis), f"{diagnosis.why} {errors.sentence()}"),
    )
    if asked_from.inside:
        return found
    return tuple(replace(each, state=StepState.UNKNOWN) if each.state is StepState.FAILED else each for each in found)


def _controllers(observation: Observation) -> tuple[TutorialStep, TutorialStep]:
    there, ready = "Cloud Controller pods", "Cloud Controller pods with all containers ready"
    match observation.cloud_controller:
        case ReadyPods(_, 0):
            why = f"The selector {observation.sought.cloud_controller} finds no pod."
        case ReadyPods(count, total):
            state = StepState.OK if count == total else StepState.FAILED
            found = TutorialStep(there, StepState.OK, f"{total} pods.")
            return found, TutorialStep(ready, state, f"{count} of {total} pods.")
        case Unknown(reason):
            why = sentence(reason)
        case _:
            why = "This environment has no selector for them."
    return TutorialStep(there, StepState.UNKNOWN, why), TutorialStep(ready, StepState.UNKNOWN, why)


def _place(asked_from: Place) -> tuple[StepState, str]:
    if asked_from.inside:
        return StepState.OK, f"{asked_from.name[:1].upper()}{asked_from.name[1:]}."
    return StepState.UNKNOWN, "This machine is not in the cluster's network, so it can connect to nothing there."


def _service(observation: Observation, asked_from: Place) -> StepState:
    if not isinstance(observation.service, Probe) or not asked_from.inside:
        return StepState.UNKNOWN
    return StepState.OK if observation.service.reply is Reply.OK else StepState.FAILED


def _restart(diagnosis: Diagnosis) -> StepState:
    by_name = {
        Condition.SERVING: StepState.NOT_NEEDED,
        Condition.NO_ACTIVE_BBS: StepState.TO_DO,
        Condition.OBSERVER_FAULT: StepState.UNKNOWN,
        Condition.LISTENING_UNKNOWN: StepState.UNKNOWN,
    }
    return by_name.get(diagnosis.name, StepState.NOT_ADVISED)


def _ready(observation: Observation) -> TutorialStep:
    title = "BBS pods with all containers ready, exactly one active"
    for part in (observation.pods, observation.workloads):
        if isinstance(part, Unknown):
            return TutorialStep(title, StepState.UNKNOWN, sentence(part.reason))
    pods = observation.known_pods
    ready = sum(each.pod.all_ready for each in pods)
    containers = [f"{each.pod.name} {_ready_of(each.pod.counted)}" for each in pods]
    seen = f"{ready} of {observation.desired} desired pods: {', '.join(containers) or 'there is no pod'}."
    whole = ready == len(pods) == observation.desired > 0
    if any(each.labelled_active is None for each in pods):
        return TutorialStep(
            title, StepState.OK if whole else StepState.FAILED, f"{seen} This platform does not set the label."
        )
    active = [each.pod.name for each in pods if each.counts_as_active]
    state = StepState.OK if whole and len(active) == 1 else StepState.FAILED
    return TutorialStep(title, state, f"{seen} Active: {', '.join(active) or 'none'}.")


def _ready_of(containers: Sequence[Container]) -> str:
    """As kubectl shows it: 2/2."""
    return f"{sum(each.ready for each in containers)}/{len(containers)}"


def _again(connection: TutorialStep, restart: TutorialStep) -> TutorialStep:
    title = f"{connection.title}, after that"
    if restart.state is StepState.TO_DO:
        return TutorialStep(title, StepState.TO_DO, "Once the pods are back.")
    return TutorialStep(title, connection.state, "As step 4: nothing was restarted.")


def _verdict(diagnosis: Diagnosis) -> StepState:
    by_name = {
        Condition.SERVING: StepState.OK,
        Condition.OBSERVER_FAULT: StepState.UNKNOWN,
        Condition.LISTENING_UNKNOWN: StepState.UNKNOWN,
    }
    return by_name.get(diagnosis.name, StepState.FAILED)
