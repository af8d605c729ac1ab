"""What the API refuses: each error is the Status object that the real server would send (wording of 1.37)."""

from http import HTTPStatus
from typing import Any

from simulator.resources import Resource

_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)


class ApiError(Exception):
    """A request that is refused. `status` is the body."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({} if details is None else {"details": details}),
            "code": code,
        }


def _details(resource: Resource, name: str, kind: str | None = None) -> dict[str, Any]:
    group = {"group": resource.group} if resource.group else {}
    return {"name": name, **group, "kind": kind or resource.plural}


def bad_request(message: str) -> ApiError:
    """400: the request itself makes no sense."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no token, or one that is not known (any more)."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, resource: Resource, namespace: str) -> ApiError:
    """403: the token is known, but may not do this."""
    message = (
        f'{resource.qualified} is forbidden: User "{user}" cannot {verb} resource "{resource.plural}" '
        f'in API group "{resource.group}" in the namespace "{namespace}"'
    )
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, _details(resource, ""))


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no object of this name."""
    message = f'{resource.qualified} "{name}" not found'
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", message, _details(resource, name))


def no_such_resource() -> ApiError:
    """404: the group is known, the resource in it is not."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    """405: the resource exists, but can't be used like this."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, {})


def expired() -> ApiError:
    """The rest of a list that is not kept any more."""
    return ApiError(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")


def unsupported_media_type() -> ApiError:
    """415: a patch of a kind that is not understood."""
    message = "415: Unsupported Media Type"
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message, {})


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: POST of a name that is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(HTTPStatus.CONFLICT, "AlreadyExists", message, _details(resource, name))


def modified(resource: Resource, name: str) -> ApiError:
    """409: the resourceVersion sent is not the current one."""
    return _conflict(
        resource.qualified,
        _details(resource, name),
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def other_uid(resource: Resource, name: str, wanted: str, found: str) -> ApiError:
    """409: PUT with the UID of another object of the same name."""
    return _conflict(
        resource.qualified,
        _details(resource, name),
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
    )


def precondition(resource: Resource, name: str, field: str, wanted: str, found: str) -> ApiError:
    """409: DELETE with a precondition on another `UID` or `ResourceVersion`."""
    happened = {"UID": "deleted and then recreated", "ResourceVersion": "modified"}[field]
    return _conflict(
        resource.qualified_kind,
        _details(resource, name, resource.kind),
        f"the {field} in the precondition ({wanted}) does not match the {field} in record ({found}). "
        f"The object might have been {happened}",
    )


def invalid(resource: Resource, name: str, field: str, problem: str) -> ApiError:
    """422: the object breaks a rule of its type."""
    details = _details(resource, name, resource.kind) | {
        "causes": [{"reason": "FieldValueInvalid", "message": problem, "field": field}]
    }
    message = f'{resource.qualified_kind} "{name}" is invalid: {field}: {problem}'
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def invalid_name(resource: Resource, name: str) -> ApiError:
    """422: the name is missing or malformed."""
    problem = f'Invalid value: "{name}": {_NAME_RULE}' if name else "Required value: name or generateName is required"
    return invalid(resource, name, "metadata.name", problem)


def _conflict(what: str, details: dict[str, Any], why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {what} "{details["name"]}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, details)
