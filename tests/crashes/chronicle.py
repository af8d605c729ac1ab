"""What the API server says happened, in the order in which it did it: a watch on pods and Remediations.

All objects of one etcd share one sequence of versions, so `version` orders changes of different kinds.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.crashes.cloud_foundry import CloudFoundry, Object
from tests.testbed.patience import HANG_GUARD

_LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch."""

    version: int
    how: str
    """ADDED, MODIFIED or DELETED."""
    object: Object

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.object["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The object's UID."""
        return str(self.object["metadata"]["uid"])


@dataclass(slots=True)
class Chronicle:
    """Everything that changed since the watch began."""

    pods: list[Change] = field(default_factory=list)
    remediations: list[Change] = field(default_factory=list)

    def deletions(self) -> dict[str, int]:
        """The UID of each pod that somebody asked to end, with the version at which that was."""
        found: dict[str, int] = {}
        for change in self.pods:
            if change.how == "DELETED" or "deletionTimestamp" in change.object["metadata"]:
                found.setdefault(change.uid, change.version)
        return found

    def names(self) -> dict[str, str]:
        """The name of each pod that ever was, by its UID."""
        return {change.uid: change.name for change in self.pods}

    def plans(self) -> dict[int, Any]:
        """Each plan that stood in a Remediation, with the version of the first change that showed it."""
        found: dict[int, Any] = {}
        for change in self.remediations:
            plan = change.object.get("status", {}).get("plan")
            if plan is not None and plan not in found.values():
                found[change.version] = plan
        return found


@contextlib.asynccontextmanager
async def chronicle(place: CloudFoundry) -> AsyncIterator[Chronicle]:
    """Follow a namespace until the block ends."""
    written = Chronicle()
    context = ssl.create_default_context(cafile=place.plane.ca_file)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        headers={"Authorization": f"Bearer {place.plane.token}"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        read_bufsize=_LONGEST_LINE,
    ) as session:
        async with asyncio.timeout(HANG_GUARD):
            streams = [await _watch(session, place, path) for path in (place.pods_path, place.remediations_path)]
        followers = [
            asyncio.create_task(_follow(streams[0], written.pods.append)),
            asyncio.create_task(_follow(streams[1], written.remediations.append)),
        ]
        try:
            yield written
        finally:
            for follower in followers:
                follower.cancel()
            for result in await asyncio.gather(*followers, return_exceptions=True):
                assert isinstance(result, asyncio.CancelledError), f"a watch ended early: {result!r}"


async def _watch(session: aiohttp.ClientSession, place: CloudFoundry, path: str) -> aiohttp.ClientResponse:
    """Begin to watch; an ADDED comes first for each object that is there."""
    while True:
        # Version 0 is "from whatever the server has cached": without one it would first wait for its cache to be up to
        # date, which takes a newer etcd than Debian's where nothing changes.
        response = await session.get(f"{place.plane.url}{path}", params={"watch": "1", "resourceVersion": "0"})
        if response.status == 200:
            return response
        text = await response.text()
        assert response.status == 429, text  # so it answers while the storage of a new resource is made
        await asyncio.sleep(0.1)


async def _follow(stream: aiohttp.ClientResponse, note: Callable[[Change], None]) -> None:
    async for line in stream.content:
        event = json.loads(line)
        changed = event["object"]
        assert event["type"] != "ERROR", changed
        note(Change(int(changed["metadata"]["resourceVersion"]), event["type"], changed))
