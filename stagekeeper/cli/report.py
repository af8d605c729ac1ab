"""What `stagekeeper diagnose` prints, as text for a person and as JSON. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from stagekeeper.cli.advice import Advice, advise
from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.cli.steps import Step, steps
from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.profiles import Environment

SERVING, NOT_SERVING, CANNOT_TELL = 0, 1, 3
"""Exit codes; 2 is a flag or the configuration."""


@dataclass(frozen=True, slots=True)
class Report:
    """One observation, and what a person makes of it."""

    environment: Environment
    observation: Observation
    diagnosis: Diagnosis
    advice: Advice
    steps: tuple[Step, ...]
    errors: StagerErrors
    asked_from: str

    @property
    def exit_code(self) -> int:
        """0 serving, 1 not, 3 could not tell."""
        return {Condition.SERVING: SERVING, Condition.OBSERVER_FAULT: CANNOT_TELL}.get(self.diagnosis.name, NOT_SERVING)

    @property
    def next_command(self) -> str:
        """What to type next."""
        return self.advice.next_command(self.environment)


def report(environment: Environment, observation: Observation, errors: StagerErrors, asked_from: str) -> Report:
    """The report of one observation; `asked_from` says where the probes were made."""
    diagnosis = diagnose(observation)
    advice = advise(observation, diagnosis)
    told = steps(observation, diagnosis, advice, errors, asked_from)
    return Report(environment, observation, diagnosis, advice, told, errors, asked_from)


def as_text(said: Report) -> str:
    """For a terminal of 80 columns or more."""
    environment = said.environment
    head = f"{environment.name}: profile {environment.profile}, namespace {environment.namespace}"
    lines = [f"{head}, {said.observation.taken_at:%Y-%m-%d %H:%M:%S} UTC", ""]
    for number, step in enumerate(said.steps, 1):
        lines += [f"{number}. {step.state.value:<8}{step.title}", f"            {step.seen}"]
    lines += ["", f"Diagnosis: {said.diagnosis.name} (row {said.diagnosis.row}). {said.diagnosis.why}"]
    lines += [f"Restart:   {said.advice.restart}", "Evidence:"]
    lines += [f"  - {each}" for each in said.diagnosis.evidence]
    return "\n".join([*lines, f"Next:      {said.next_command}", ""])


def as_json(said: Report) -> str:
    """The same for a program."""
    environment, diagnosis = said.environment, said.diagnosis
    document: dict[str, Any] = {
        "environment": environment.name,
        "profile": environment.profile,
        "namespace": environment.namespace,
        "takenAt": said.observation.taken_at.isoformat(),
        "askedFrom": said.asked_from,
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
    return json.dumps(document, indent=2) + "\n"
