"""The incident file's schema. Strict: an unknown key is a mistake. docs/incident-format.md holds every key.

A situation is a change: what it does not say stays as it was. `model_fields_set` tells what it says.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BeforeValidator, Field, field_validator

from incidents.words import LONGEST, ConditionStatus, Decided, Delete, Duration, Heard, Label, Part, Shift
from remediator.gates import GATES
from remediator.intake import Judgement
from remediator.policy import Mode, Policy, PolicySettings, Rhythm
from remediator.remediation import Outcome, Phase, Reason
from remediator.settings import RemediatorSettings
from stagekeeper.config.model import Strict
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.environment_settings import EnvironmentSettings

ALERTMANAGER = "alertmanager"
"""The name of the one Alertmanager, where a file does not name several."""
ALL = "all"
"""In place of a pod's name: every pod of that kind."""
LOCKET = "locket"
"""In a reaction's `pods`: every pod of Locket's."""


def _of_our_time(value: datetime) -> datetime:
    """Far enough from the calendar's ends for every duration of a file."""
    if not 1970 <= value.year <= 9000:  # noqa: PLR2004 -- years
        raise ValueError("must be a time between the years 1970 and 9000")
    return value


Start = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Until = Annotated[Duration, Field(le=2 * 86_400)]
"""A replay of two days takes some seconds."""
Count = Annotated[int, Field(ge=0, le=100)]
Status = Annotated[int, Field(ge=400, le=599)]
"""HTTP's number for an answer that is no success."""
Running = Literal["running", "stopped", "replaced"]
AlertWord = Literal["active", "absent", "unreachable", "silenced", "inhibited", "muted", "elsewhere"]


class PodChange(Strict):
    """What changes about one pod."""

    reply: Heard = Heard.REFUSED
    detail: str = ""
    certificate_ends: Start | None = None
    label: Label = Label.AUTO
    ready: ConditionStatus = "True"
    bbs_ready: bool = True
    sidecar_ready: bool = True
    health: Literal["answers", "refused", "silent"] = "answers"
    phase: Literal["Pending", "Running", "Failed", "Succeeded"] = "Running"
    status_reason: str = ""
    age: Duration = 0.0
    container_age: Duration = 0.0
    restarts: Count = 0
    last_start: Duration = 0.0
    waiting: str = ""
    sidecar_waiting: str = ""
    init_waiting: str = ""
    node: str = ""
    revision: str = ""
    owner: str = ""
    terminating: Duration = 0.0
    new: bool = False
    gone: bool = False

    @field_validator("reply")
    @classmethod
    def _of_a_pod(cls, value: Heard) -> Heard:
        if value is Heard.AUTO:
            raise ValueError("must be a reply: auto is for the Service")
        return value


class SetChange(Strict):
    """What changes about a StatefulSet."""

    exists: bool = True
    replicas: Count = 2
    revision: str = "revision-1"
    current_revision: str = ""
    pod_management: Literal["OrderedReady", "Parallel"] = "OrderedReady"
    strategy: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    partition: Count = 0
    observed: bool = True
    grace: Annotated[int, Field(ge=0, le=86_400)] = 600


class PauseChange(Strict):
    """The data of the pause's ConfigMap; a key that is left out is missing there."""

    by: str = ""
    reason: str = ""
    until: Duration | str | None = None
    unreadable: bool = False


class WebhookCall(Strict):
    """One notification of Alertmanager."""

    status: Literal["firing", "resolved"] = "firing"
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    labels: dict[str, str] = Field(default_factory=dict)
    started: Duration | None = None
    to: Count = 0


class RestartAsked(Strict):
    """`stagekeeper restart`."""

    person: str
    reason: str
    accept: Condition | None = None


class Operator(Strict):
    """What a person does."""

    restart: RestartAsked | None = None
    reset: str = ""
    delete: list[str] = Field(default_factory=list)


class Situation(Strict):
    """What changes at one moment."""

    note: str = ""
    pods: dict[str, PodChange] = Field(default_factory=dict)
    statefulset: SetChange = SetChange()
    locket: dict[str, PodChange] = Field(default_factory=dict)
    locket_statefulset: SetChange = SetChange()
    service: Heard = Heard.AUTO
    cloud_controller_ready: Count = 2
    cloud_controller_pods: Count = 2
    database: Literal["reachable", "down", "not_configured"] = "not_configured"
    control: Literal["answers", "silent", "not_asked"] = "answers"
    steady: bool = True
    unreadable: list[Part] = Field(default_factory=list)
    answers: dict[Part, Status] = Field(default_factory=dict)
    records: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    alert: dict[str, AlertWord] = Field(default_factory=dict)
    pause: PauseChange | None = None
    webhooks: list[WebhookCall] = Field(default_factory=list)
    operator: Operator = Operator()
    next_deletes: list[Delete] = Field(default_factory=list)
    remediator: Running | dict[int, Running] = "running"
    mode: Mode = Mode.ACT
    clock_jump: Shift = 0.0
    worker_clock: Shift = 0.0

    @field_validator("alert", mode="before")
    @classmethod
    def _one_alertmanager(cls, value: Any) -> Any:
        return {ALERTMANAGER: value} if isinstance(value, str) else value

    @field_validator("answers")
    @classmethod
    def _of_the_api(cls, value: dict[Part, int]) -> dict[Part, int]:
        other = next((part for part in value if part in {Part.SERVICE, Part.DATABASE}), None)
        if other is not None:
            raise ValueError(f"names {other}, which is no part of the Kubernetes API")
        return value


class Entry(Situation):
    """A situation of the timeline, once or again and again."""

    at: Duration
    every: Annotated[Duration, Field(ge=1)] | None = None
    until: Duration | None = None


class Reaction(Strict):
    """A situation that comes, once, because of what was deleted."""

    when: Literal["deleted", "ended", "ready"]
    pods: list[str] = Field(default_factory=lambda: [ALL], min_length=1)
    after: Duration = 0.0
    then: Situation


class ExpectedDeletion(Strict):
    """What a deleted pod does."""

    ends_after: Duration = 2.0
    back_after: Duration = 2.0
    ready_after: Duration = 20.0
    comes_back: bool = True
    schedulable: bool = True
    reply: Heard = Heard.REFUSED


class PastRemediation(Strict):
    """A remediation from before the timeline."""

    ago: Duration
    phase: Literal["Recovered", "SelfHealed", "Escalated", "Observed"] = "Recovered"
    restarted: bool = True
    released: bool = False


class IncidentEnvironment(EnvironmentSettings):
    """An entry of the configuration file's `environments:`, and how many pods there are."""

    name: str = "cf"
    replicas: Count = 2
    locket_replicas: Count = 2
    tcp_only: bool = False


class Within(Strict):
    """A span of time."""

    after: Duration = 0.0
    before: Duration = float(LONGEST)


def _exactly(value: Any) -> Any:
    """A moment is a span of no length."""
    return value if isinstance(value, dict | Within) else {"after": value, "before": value}


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_several)]


_RENAMED = {"RestartNotFinished": "RestartInterrupted", "NotServingAfterRestart": "StillNotServing"}
"""Reasons in files from before 0.2.0."""


def _renamed(value: Any) -> Any:
    return _RENAMED.get(value, value) if isinstance(value, str) else value


class Expect(Strict):
    """What must come of it."""

    diagnosis: dict[Duration, Condition] = Field(default_factory=dict)
    gates: dict[Duration, dict[str, Outcome]] = Field(default_factory=dict)
    decision: Decided | None = None
    deletions: list[str] | None = None
    phase: Phase | None = None
    reason: Annotated[Reason, BeforeValidator(_renamed)] | None = None
    says: Words = Field(default_factory=list)
    says_not: Words = Field(default_factory=list)
    overdue: dict[Duration, bool] = Field(default_factory=dict)
    moments: dict[Phase | Literal["deleted"], Annotated[Within, BeforeValidator(_exactly)]] = Field(
        default_factory=dict
    )
    remediations: list[Phase] | None = Field(default=None, validation_alias=AliasChoices("remediations", "episodes"))
    """How each ends; files from before 0.2.0 say `episodes`."""
    judgements: dict[Judgement, int] = Field(default_factory=dict)

    @field_validator("gates")
    @classmethod
    def _known(cls, value: dict[float, dict[str, Outcome]]) -> dict[float, dict[str, Outcome]]:
        names = [name for name, _ in GATES]
        unknown = next((gate for answers in value.values() for gate in answers if gate not in names), None)
        if unknown is not None:
            raise ValueError(f"names the gate {unknown!r}; known are {', '.join(names)}")
        return value


class Incident(Strict):
    """One file."""

    title: str
    source: str
    story: str = ""
    start: Start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    environment: IncidentEnvironment = IncidentEnvironment()
    mode: Mode = Mode.ACT
    policy: PolicySettings = PolicySettings()
    rhythm: Rhythm = Rhythm()
    past: list[PastRemediation] = Field(default_factory=list)
    deletion: dict[str, ExpectedDeletion] = Field(default_factory=dict)
    timeline: list[Entry] = Field(min_length=1)
    reactions: list[Reaction] = Field(default_factory=list)
    until: Until = 3_600.0
    remediators: Annotated[int, Field(ge=1, le=9)] | Annotated[list[Mode], Field(min_length=1, max_length=9)] = 1
    watched: bool = False
    expect: Expect = Expect()

    @property
    def modes(self) -> list[Mode]:
        """The mode of each remediator."""
        return self.remediators if isinstance(self.remediators, list) else [self.mode] * self.remediators

    def policy_in(self, mode: Mode) -> Policy:
        """The policy that this incident is judged by, in this mode."""
        return RemediatorSettings.model_construct(mode=mode, policy=self.policy).as_policy()
