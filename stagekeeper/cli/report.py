"""What `stagekeeper diagnose` prints, as text for a person and as a document for a program. Pure."""

from dataclasses import dataclass, field
from typing import Any

from stagekeeper.cli.output import BAD, GOOD, WAIT, coloured
from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.cli.steps import Place, StepState, TutorialStep, steps
from stagekeeper.cli.target import Target
from stagekeeper.diego.advice import Advice, advise
from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.diego.evidence import probe
from stagekeeper.diego.observation import Observation, Unknown
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.errors import RequestTimeout, Unavailable, Unreachable
from stagekeeper.kube.own_pod import way_in
from stagekeeper.visible import visible

SERVING, NOT_SERVING, CANNOT_TELL = 0, 1, 3
"""Exit codes; 2 is a flag or the configuration."""
_DOWN = frozenset({Unreachable.reason, RequestTimeout.reason, Unavailable.reason})
"""The reasons with which an API server answers nobody."""
_COLOURS = {
    StepState.OK: GOOD,
    StepState.NOT_NEEDED: GOOD,
    StepState.FAILED: BAD,
    StepState.TO_DO: WAIT,
    StepState.NOT_ADVISED: WAIT,
    StepState.UNKNOWN: WAIT,
}
_DIAGNOSE = "stagekeeper diagnose"
"""What works wherever this command does; the others need the rights of a person."""


@dataclass(frozen=True, slots=True)
class Report:
    """One observation, and what a person makes of it."""

    environment: Environment
    observation: Observation
    diagnosis: Diagnosis
    advice: Advice
    steps: tuple[TutorialStep, ...]
    errors: StagerErrors
    asked_from: Place
    target: Target = field(default_factory=Target)

    @property
    def exit_code(self) -> int:
        """0 serving, 1 not, 3 could not tell."""
        by_name = {
            Condition.SERVING: SERVING,
            Condition.OBSERVER_FAULT: CANNOT_TELL,
            Condition.LISTENING_UNKNOWN: CANNOT_TELL,
        }
        return by_name.get(self.diagnosis.name, NOT_SERVING)

    @property
    def api_failure(self) -> str:
        """Why nothing could be read from an API server that is down, with what the Service said; "" if it is up.

        With profile `auto` the Service is not known then, and not asked.
        """
        pods = self.observation.pods
        if not isinstance(pods, Unknown) or pods.word not in _DOWN:
            return ""
        if isinstance(self.observation.service, Unknown):
            return pods.reason
        return f"{pods.reason} The Service, asked from {self.asked_from.name}: {probe(self.observation.service)}."

    @property
    def next_command(self) -> str:
        """What to type next, with the flags that were given to this program."""
        command = self.advice.next_command(self.environment, self.target.own)
        if command.startswith(_DIAGNOSE):
            return f"{way_in()}{command}"
        return self.target.as_given(command)


def report(
    environment: Environment,
    observation: Observation,
    errors: StagerErrors,
    asked_from: Place,
    target: Target | None = None,
) -> Report:
    """The report of one observation."""
    diagnosis = diagnose(observation)
    advice = advise(observation, diagnosis)
    told = steps(observation, diagnosis, advice, errors, asked_from)
    return Report(environment, observation, diagnosis, advice, told, errors, asked_from, target or Target())


def as_text(said: Report) -> str:
    """For a terminal of 80 columns or more."""
    environment = said.environment
    head = f"{environment.name}: profile {environment.profile}, namespace {environment.namespace}"
    lines = [visible(f"{head}, {said.observation.taken_at:%Y-%m-%d %H:%M:%S} UTC"), ""]
    for number, step in enumerate(said.steps, 1):
        state = coloured(step.state, _COLOURS[step.state])
        lines += [f"{number}. {visible(step.title)}: {state}", visible(f"   {step.seen}")]
    rest = ["", f"Diagnosis: {said.diagnosis.name} (row {said.diagnosis.row}). {said.diagnosis.why}"]
    rest += [f"Restart:   {said.advice.restart}", "Evidence:"]
    rest += [f"  - {each}" for each in said.diagnosis.evidence]
    lines += map(visible, [*rest, f"Next:      {said.next_command}", ""])
    return "\n".join(lines)


def document(said: Report) -> dict[str, Any]:
    """The same for a program."""
    environment, diagnosis = said.environment, said.diagnosis
    return {
        "environment": environment.name,
        "profile": environment.profile,
        "namespace": environment.namespace,
        "takenAt": said.observation.taken_at.isoformat(),
        "askedFrom": said.asked_from.name,
        "steps": [
            {"step": number, "title": step.title, "state": step.state.value, "seen": step.seen}
            for number, step in enumerate(said.steps, 1)
        ],
        "diagnosis": {"name": diagnosis.name.value, "row": diagnosis.row, "why": diagnosis.why},
        "restart": {"gate": diagnosis.restart.value, "why": said.advice.restart},
        "evidence": list(diagnosis.evidence),
        "stagerErrors": {"count": said.errors.count, "tails": dict(said.errors.tails), "unread": said.errors.unread},
        "next": said.next_command,
        "exitCode": said.exit_code,
    }
