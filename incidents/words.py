"""The small words of an incident file, with mistakes told in its writer's terms. Pure."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stagekeeper.config.durations import parse

LONGEST = 30 * 86_400
"""Seconds: thirty days. A replay takes an observation every few seconds."""


def _condition(value: Any) -> Any:
    """The status of a condition as Kubernetes writes it; YAML makes true and false of it."""
    word = str(value).capitalize()
    if isinstance(value, bool | str) and word in {"True", "False", "Unknown"}:
        return word
    raise ValueError("must be true, false or unknown")


def _seconds(value: object) -> object:
    """A number as it is, so that a mistake shows it as it is written."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else parse(value).total_seconds()


Duration = Annotated[float, Field(ge=0, le=LONGEST), BeforeValidator(_seconds)]
"""A moment or a length of a timeline, in seconds."""
Shift = Annotated[float, Field(ge=-LONGEST, le=LONGEST)]
ConditionStatus = Annotated[Literal["True", "False", "Unknown"], BeforeValidator(_condition)]


class Label(StrEnum):
    """The active label of a pod."""

    AUTO = "auto"
    """As the platform sets it: active while somebody listens on the pod."""
    ACTIVE = "active"
    PASSIVE = "passive"
    ABSENT = "absent"


class Part(StrEnum):
    """What can be unreadable."""

    API = "api"
    """All of the Kubernetes API, the records included."""
    PODS = "pods"
    STATEFULSET = "statefulset"
    SECOND_LIST = "second_list"
    SERVICE = "service"
    LOCKET = "locket"
    CLOUD_CONTROLLER = "cloud_controller"
    DATABASE = "database"
    RECORDS = "records"
    """The Remediations."""
    PAUSE = "pause"
    """The pause's ConfigMap."""
    DELETE = "delete"
    """The deletion of a pod."""


class Delete(StrEnum):
    """What becomes of a DELETE that the remediator sends."""

    DONE = "done"
    """Carried out, as without this word."""
    REFUSED = "refused"
    """503, and nothing done."""
    LOST = "lost"
    """Done, but the answer never comes."""
    LOST_BEFORE = "lost_before"
    """Not done, and no answer comes."""
    CONFLICT = "conflict"
    """409: the pod changed after the observation."""
    TOO_MANY = "too_many"
    """429, and nothing done."""
    FORBIDDEN = "forbidden"
    """403, as by an admission webhook, and nothing done."""
    INVALID = "invalid"
    """422, and nothing done."""
    KILLED_BEFORE = "killed_before"
    """The remediator is killed before it sends it."""
    KILLED_AFTER = "killed_after"
    """The remediator is killed after it was carried out and before that is noted."""


class Decided(StrEnum):
    """What was decided, over all remediations of a replay."""

    RESTART = "restart"
    WOULD_RESTART = "would_restart"
    ESCALATE = "escalate"
    """Files from before 0.2.0 say `hand_over`."""
    WAIT = "wait"
    NOTHING = "nothing"

    @classmethod
    def _missing_(cls, value: object) -> "Decided | None":
        return cls.ESCALATE if value == "hand_over" else None


class Heard(StrEnum):
    """What a probe meets: the replies of `stagekeeper.diego.observation`, and what else can become of a probe."""

    OK = "ok"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    DNS = "dns"
    TLS = "tls"
    UNAVAILABLE = "unavailable"
    NO_REPLY = "no_reply"
    BAD_REPLY = "bad_reply"
    CLOSED = "closed"
    CERTIFICATE_REFUSED = "certificate_refused"
    UNKNOWN = "unknown"
    """The probe could not be made: the fault is ours."""
    AUTO = "auto"
    """The Service only: it leads to the pod that is labelled, Ready and not Terminating; without one it refuses."""
