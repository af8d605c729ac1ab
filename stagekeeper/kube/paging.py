"""A long list of the API in pages, which together are the list as it was at one moment.

`limit` and `continue` are the API's (kubernetes.io/docs/reference/using-api/api-concepts, "Retrieving large results
sets in chunks"): all pages are of the resourceVersion of the first. When that is forgotten meanwhile (410), or the
pages disagree about it, everything is read again.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stagekeeper.kube.errors import KubeError, MalformedResponse, OversizedResponse, RequestTimeout, Unavailable

if TYPE_CHECKING:
    from stagekeeper.kube.client import Kube, Response

PAGE = 500
"""Objects, as kubectl asks for."""
_SMALLER = 8
"""By how much a page shrinks that was too large to be read: anybody who may create objects can make them large."""
MOST = 64 * 2**20
"""Characters of all pages together. More would end in the memory limit."""
_READINGS = 3
_GONE = 410


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    first: "Response | None" = None
    items: list[Any] = field(default_factory=list)
    size: int = 0
    rest: str = ""
    """The token of the next page; empty before the first and after the last."""


async def read(kube: "Kube", path: str, timeout: float) -> "Response":
    """The first page's answer with the items of all pages. Raises `KubeError`; `timeout` in seconds is for all."""
    until = asyncio.get_running_loop().time() + timeout
    limit = PAGE
    for _ in range(_READINGS):
        reading: _Reading | None = _Reading()
        while reading and (reading.first is None or reading.rest):
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                raise RequestTimeout(f"GET {path}: the list is so long that it could not be read in {timeout:.3g} s.")
            try:
                reading = await _next(kube, path, reading, limit, left)
            except OversizedResponse:
                if limit == 1:
                    raise
                limit = max(1, limit // _SMALLER)
        if reading and reading.first:
            reading.first.body["items"] = reading.items
            return reading.first
    raise Unavailable(f"GET {path}: the API server forgot the list {_READINGS} times while it was read.")


async def _next(kube: "Kube", path: str, reading: _Reading, limit: int, timeout: float) -> _Reading | None:
    """One page more; None if it does not belong to the pages before."""
    query = {"limit": str(limit), **({"continue": reading.rest} if reading.rest else {})}
    try:
        answer = await kube.get(path, timeout=timeout, query=query)
    except KubeError as problem:
        if problem.status == _GONE and reading.first:
            return None
        raise
    metadata, found = answer.body.get("metadata", {}), answer.body.get("items")
    if not isinstance(metadata, dict) or not isinstance(found, list):
        raise MalformedResponse(f"GET {path}: the API answered a list request with something that is not a list.")
    first = reading.first or answer
    if metadata.get("resourceVersion") != first.body.get("metadata", {}).get("resourceVersion"):
        return None
    rest, size = metadata.get("continue") or "", reading.size + answer.size
    if not isinstance(rest, str) or (rest and rest == reading.rest):
        raise MalformedResponse(f"GET {path}: the list does not end: a page names itself as the next.")
    if size > MOST:
        raise MalformedResponse(f"GET {path}: the list has more than {MOST >> 20} MiB, which is not read.")
    return _Reading(first, [*reading.items, *found], size, rest)
