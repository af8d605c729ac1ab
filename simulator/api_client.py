"""The actors' own small Kubernetes client: JSON over HTTP, nothing else, so that they drive a real server too."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

Object = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
API_TROUBLE = (aiohttp.ClientError, TimeoutError)
"""What a request raises when the API can't be reached; the actors try again with their next round."""


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Where an API is and how to get in."""

    url: str
    token: str
    ca_file: Path


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and the body that came with it."""

    status: int
    body: Object

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.status < HTTPStatus.BAD_REQUEST


class ApiClient:
    """A session with one API. Each request has `timeout` seconds."""

    def __init__(self, access: ApiAccess, timeout: float = 10.0) -> None:
        self._access = access
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._requests: set[asyncio.Task[Reply]] = set()

    async def __aenter__(self) -> Self:
        """Open the session."""
        context = ssl.create_default_context(cafile=self._access.ca_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            headers={"Authorization": f"Bearer {self._access.token}", "User-Agent": "stagekeeper-simulator"},
            timeout=self._timeout,
        )
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the session, and with it every connection on which a request still waits for its answer."""
        if self._session is not None:
            await self._session.close()
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    async def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> list[Object]:
        """LIST pods. aiohttp.ClientError or TimeoutError if that fails in any way."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in (selector or {}).items())}
        reply = await self.send("GET", pods_path(namespace), query=query)
        if not reply.ok:
            raise aiohttp.ClientError(f"LIST pods answered {reply.status}: {reply.body.get('message')}")
        items: list[Object] = reply.body.get("items") or []
        return items

    async def patch(self, path: str, patch: Object) -> Reply:
        """Merge patch."""
        return await self.send("PATCH", path, patch, content_type=MERGE_PATCH)

    async def send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Send one request. Any status is a Reply; aiohttp.ClientError or TimeoutError if none came.

        A caller that is cancelled leaves its request to the end of the session, which drops the connection. Were the
        request cancelled too, asyncio would wait for the server to end TLS, which outlives the session and the loop.
        """
        if self._session is None:
            raise RuntimeError("the API client is used outside of its `async with`")
        answer = self._session.request(
            method, self._access.url + path, params=query, json=body, headers={"Content-Type": content_type}
        )
        request = asyncio.create_task(_reply(answer))
        self._requests.add(request)
        request.add_done_callback(self._end)
        return await asyncio.shield(request)

    def _end(self, request: asyncio.Task[Reply]) -> None:
        self._requests.discard(request)
        if not request.cancelled():
            request.exception()  # else asyncio complains where the caller is gone


async def _reply(answer: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Reply:
    async with answer as response:
        parsed = await response.json() if response.content_type == "application/json" else {}
        return Reply(response.status, parsed)


def pods_path(namespace: str, name: str = "", subresource: str = "") -> str:
    """Give the path of a namespace's pods, of one pod, or of its subresource."""
    parts = ["", "api", "v1", "namespaces", namespace, "pods", name, subresource]
    return "/".join(parts).rstrip("/")
