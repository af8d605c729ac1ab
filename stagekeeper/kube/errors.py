"""What can go wrong between us and the Kubernetes API. Pure.

The type says what is known about the request, which is what callers decide by::

    KubeError
    ├── Unreachable          no answer, or half of one: whether the change was made is unknown
    │   └── RequestTimeout       no answer in time
    ├── MalformedResponse    not what the API promises (a proxy's page, cut JSON): unknown as well
    │   └── OversizedResponse    more than is read
    ├── Unauthorized         401: the token is missing, wrong or expired
    ├── Forbidden            403: a Role lacks a rule
    ├── NotFound             404: the object is not there
    ├── Conflict             409: the object changed since we read it, or a precondition does not hold
    │   └── AlreadyExists        409 on a create: somebody else was first
    ├── Invalid              400, 422 and other 4xx: the API (or an admission policy) refuses, and will again
    └── Unavailable          429 and 5xx: try again at the next observation
"""

from typing import ClassVar


class KubeError(Exception):
    """A request to the Kubernetes API did not do what it was made for.

    `reason` is one of a fixed set of words, fit for a metric label; the message is a sentence for a person.
    """

    reason: ClassVar[str]
    status: int | None = None
    """HTTP's number, where the API answered with one."""


class Unreachable(KubeError):
    """No answer came, in time or at all."""

    reason = "unreachable"


class RequestTimeout(Unreachable):
    """No answer came in time: the API hangs, or something on the way swallows packets."""

    reason = "timeout"


class MalformedResponse(KubeError):
    """The answer is not a Kubernetes object."""

    reason = "malformed"


class OversizedResponse(MalformedResponse):
    """The answer is larger than anything that is meant, and was not read to its end."""


class Unauthorized(KubeError):
    """The API does not know who we are."""

    reason = "unauthorized"


class Forbidden(KubeError):
    """The API knows who we are and says no."""

    reason = "forbidden"


class NotFound(KubeError):
    """There is no such object."""

    reason = "not_found"


class Conflict(KubeError):
    """The object is not the one that the request speaks of any more."""

    reason = "conflict"


class AlreadyExists(Conflict):
    """An object of this name exists."""

    reason = "already_exists"


class Invalid(KubeError):
    """The request can never be accepted as it is."""

    reason = "invalid"


class Unavailable(KubeError):
    """The API server can't answer now."""

    reason = "unavailable"


class WebhookFailed(Unavailable):
    """An admission webhook could not be asked, so the API refused: nothing was changed (k8s: failurePolicy Fail)."""

    words = "failed calling webhook"


REASONS = tuple(
    kind.reason
    for kind in (
        Unreachable,
        RequestTimeout,
        MalformedResponse,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        AlreadyExists,
        Invalid,
        Unavailable,
    )
)
"""Every word that `KubeError.reason` can be."""


def from_status(status: int, reason: str, message: str) -> KubeError:
    """The error for an answer of the API with the HTTP `status` and the `reason` and `message` of its Status body."""
    by_status: dict[int, type[KubeError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound, 429: Unavailable}
    kind = by_status.get(status, Unavailable if status >= 500 else Invalid)  # noqa: PLR2004 -- HTTP's 5xx
    if status == 409:  # noqa: PLR2004 -- HTTP's number for Conflict is clearer than a name for it
        kind = AlreadyExists if reason == "AlreadyExists" else Conflict
    if kind is Unavailable and WebhookFailed.words in message:
        kind = WebhookFailed
    error = kind(message)
    error.status = status
    return error
