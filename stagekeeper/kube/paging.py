"""A long list of the API in pages, which together are the list as it was at one moment.

`limit` and `continue` are the API's (kubernetes.io/docs/reference/using-api/api-concepts, "Retrieving large results
sets in chunks"): all pages are of the resourceVersion of the first. When that is forgotten meanwhile (410), or the
pages disagree about it, everything is read again.
"""

import asyncio
from collections.abc import Callable
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

    kept: Callable[[Any], object]
    first: "Response | None" = None
    items: list[object] = field(default_factory=list)
    size: int = 0
    rest: str = ""
    """The token of the next page; empty before the first and after the last."""

    def add(self, answer: "Response", found: list[Any], rest: str) -> None:
        """One page more."""
        self.first = self.first or answer
        self.items += [one for each in found if (one := self.kept(each)) is not None]
        self.size, self.rest = self.size + answer.size, rest


async def read(kube: "Kube", path: str, timeout: float, kept: Callable[[Any], object]) -> "Response":
    """The first page's answer, with what is `kept` of each item of all pages. Raises `KubeError`.

    An item goes with its page, and so does one of which None is kept: a long list needs the memory of one page.
    `timeout` in seconds is for all.
    """
    until = asyncio.get_running_loop().time() + timeout
    limit = PAGE
    for _ in range(_READINGS):
        reading, one_moment = _Reading(kept), True
        while one_moment and (reading.first is None or reading.rest):
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                raise RequestTimeout(f"GET {path}: the list is so long that it could not be read in {timeout:.3g} s.")
            try:
                one_moment = await _next(kube, path, reading, limit, left)
            except OversizedResponse:
                if limit == 1:
                    raise
                limit = max(1, limit // _SMALLER)
        if one_moment and reading.first:
            reading.first.body["items"] = reading.items
            return reading.first
    raise Unavailable(f"GET {path}: the API server forgot the list {_READINGS} times while it was read.")


async def _next(kube: "Kube", path: str, reading: _Reading, limit: int, timeout: float) -> bool:
    """One page more; False if it does not belong to the pages before."""
    query = {"limit": str(limit), **({"continue": reading.rest} if reading.rest else {})}
    try:
        answer = await kube.get(path, timeout=timeout, query=query)
    except KubeError as problem:
        if problem.status == _GONE and reading.first:
            return False
        raise
    metadata, found = answer.body.get("metadata", {}), answer.body.pop("items", None)
    if not isinstance(metadata, dict) or not isinstance(found, list):
        raise MalformedResponse(f"GET {path}: the API answered a list request with something that is not a list.")
    first = reading.first or answer
    if metadata.get("resourceVersion") != first.body.get("metadata", {}).get("resourceVersion"):
        return False
    rest = metadata.get("continue") or ""
    if not isinstance(rest, str) or (rest and rest == reading.rest):
        raise MalformedResponse(f"GET {path}: the list does not end: a page names itself as the next.")
    if reading.size + answer.size > MOST:
        raise MalformedResponse(f"GET {path}: the list has more than {MOST >> 20} MiB, which is not read.")
    reading.add(answer, found, rest)
    return True
