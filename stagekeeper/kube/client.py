"""One small client for the Kubernetes API: JSON in, JSON out, our own errors, every wait and every answer bounded.

It stands on `kubernetes.aio`'s ApiClient and leaves out its typed models, which cost 20 to 30 MiB and raise on odd
objects, and its loader of kubeconfigs (`access` has ours).
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.kube import access, kubeconfig, own_pod, paging
from stagekeeper.kube.credentials import Credential, CredentialError
from stagekeeper.kube.errors import (
    KubeError,
    MalformedResponse,
    OversizedResponse,
    RequestTimeout,
    Unauthorized,
    Unreachable,
    from_status,
)
from stagekeeper.kube.kubeconfig import KubeconfigError
from stagekeeper.kube.transport import MOST, Raw, Redirected, TooLarge, Transport, reason
from stagekeeper.kube.wording import one_line, page

_HALF_CHARACTER = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
"""The escape of half a UTF-16 pair. Alone it decodes to what can't be encoded again, into metrics for one."""
_LONGEST_MESSAGE = 1000
"""Characters of what the API (or an admission webhook) says that are passed on."""
_LONGEST_REASON = 300
"""The same for why there is no answer."""
_UNAUTHORIZED = 401


class NoCluster(ConfigurationError):
    """There is no usable way to a Kubernetes API; the message says what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the API answered: the decoded object, and the server's own clock (its `Date` header, whole seconds)."""

    body: dict[str, Any]
    clock: datetime | None
    """None if the answer tells no time, as behind a proxy that strips the header."""
    size: int = 0
    """Characters of the answer."""

    @property
    def date(self) -> datetime:
        """The server's clock, where something is judged by it. Raises `MalformedResponse` if it is not known.

        Our own clock is no stand-in: a duration between the two would be wrong by their difference.
        """
        if self.clock is None:
            raise MalformedResponse("The API's answer has no Date, so its time is not known; does a proxy strip it?")
        return self.clock


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path below the API server's address, query, JSON body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """Method and path, as messages name a request."""
        return f"{self.method} {self.path}"


class Kube:
    """The Kubernetes API. Methods raise `KubeError`, and nothing else, when a request does not succeed."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def server(self) -> str:
        """The address of the API server, for messages."""
        return self._transport.access.server

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:
        """GET one object or a list; `timeout` in seconds, for the whole request."""
        return await self.send(Call("GET", path, query or {}), timeout=timeout)

    async def list_all(self, path: str, *, timeout: float, kept: Callable[[Any], object]) -> Response:
        """What is `kept` of the objects of a list as they were at one moment; `timeout` in seconds, for all pages."""
        return await paging.read(self, path, timeout, kept)

    async def send(self, call: Call, *, timeout: float) -> Response:
        """One request. After `Unreachable` and `MalformedResponse` it is unknown whether a change was made."""
        text, clock = await self.text(call, timeout=timeout)
        decoded = _decoded(text)
        if decoded is None:
            what = self._page(text) or "something"
            raise MalformedResponse(f"{call}: {self.server} answered with {what} that is not a JSON object.")
        return Response(decoded, clock, len(text))

    async def text(self, call: Call, *, timeout: float) -> tuple[str, datetime | None]:
        """Like `send`, for answers that are not JSON (a pod's log)."""
        try:
            async with asyncio.timeout(timeout):
                raw = await self._exchange(call)
        except TimeoutError as problem:
            raise RequestTimeout(
                f"{call}: no answer from {self.server} within {timeout:.3g} s. "
                "Check that the API server runs and that a NetworkPolicy lets us reach it."
            ) from problem
        except Redirected as problem:
            raise MalformedResponse(
                f"{call}: {self.server} answers with a redirect ({problem}), which is not followed. "
                "Check that it is an API server, and no proxy or login page."
            ) from problem
        except TooLarge as problem:
            why = f"{call}: {self.server} answers with more than {MOST >> 20} MiB, which is not read."
            raise OversizedResponse(why) from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            why = one_line(self._hide(reason(problem)), _LONGEST_REASON)
            raise Unreachable(f"{call}: {self.server} can't be reached: {why}.") from problem
        if not 200 <= raw.status < 300:  # noqa: PLR2004 -- HTTP's 2xx
            raise self._refusal(call, raw)
        return raw.text, _date(raw.date)

    async def _exchange(self, call: Call) -> Raw:
        """The answer; to a 401 with a credential that is newer, if there is one by now."""
        credential = await self._credential(call)
        raw = await self._sent(call, credential)
        if raw.status == _UNAUTHORIZED:
            self._transport.access.source.refused(credential)
            newer = await self._credential(call)
            if newer != credential:
                raw = await self._sent(call, newer)
        return raw

    async def _credential(self, call: Call) -> Credential:
        try:
            return await self._transport.access.source.current()
        except CredentialError as problem:
            raise Unauthorized(self._hide(f"{call}: {problem}.")) from problem

    async def _sent(self, call: Call, credential: Credential) -> Raw:
        target = f"{call.path}?{urlencode(call.query)}" if call.query else call.path
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "stagekeeper",
        }
        if credential.header:
            headers["Authorization"] = credential.header
        return await self._transport.send(call.method, target, headers, call.body, credential.pair)

    def _refusal(self, call: Call, raw: Raw) -> KubeError:
        body = _decoded(raw.text) or {}
        message = str(body.get("message") or "") or self._page(raw.text) or raw.text
        said = one_line(self._hide(message), _LONGEST_MESSAGE) or "no reason given"
        return from_status(raw.status, str(body.get("reason", "")), f"{call}: HTTP {raw.status}: {said}")

    def _page(self, text: str) -> str | None:
        """What an HTML page says of itself, which may be what we told it. Hidden first: half a secret is not found."""
        return page(self._hide(unescape(text)))

    def _hide(self, text: str) -> str:
        return self._transport.access.secrets.hide(text)


def _decoded(text: str) -> dict[str, Any] | None:
    """The JSON object in `text`; None if that is something else."""
    try:
        found = json.loads(text)
        if "\\u" in text and _HALF_CHARACTER.search(text):
            found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _date(header: str | None) -> datetime | None:
    """The server's clock; None if it does not tell."""
    try:
        date = parsedate_to_datetime(header or "")
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@asynccontextmanager
async def connect(kubeconfig: Path | None = None, context: str | None = None) -> AsyncIterator[Kube]:
    """The API that `kubeconfig` names; without one the pod's own ServiceAccount, else the user's kubeconfig.

    Raises `NoCluster`. Nothing is sent to the API server yet: one that is down shows at the first request, not here.
    """
    way, where = _way(kubeconfig, context)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(way.source.close)
        try:
            credential = await way.source.current()
            transport = Transport(way, credential.pair)
        except (CredentialError, OSError, ValueError) as problem:
            raise _no_cluster(where, way.secrets.hide(str(problem))) from problem
        stack.push_async_callback(transport.close)
        yield Kube(transport)


def _way(explicit: Path | None, context: str | None) -> tuple[access.Access, str]:
    """How to reach the API, and where that is said."""
    own = explicit is None and context is None and own_pod.in_cluster()
    where = str(own_pod.SERVICE_ACCOUNT) if own else kubeconfig.described(explicit)
    try:
        way = access.from_service_account() if own else access.from_kubeconfig(kubeconfig.find(explicit, context))
    except KubeconfigError as problem:
        raise _no_cluster(where, str(problem)) from problem
    return way, where


def _no_cluster(where: str, why: str) -> NoCluster:
    return NoCluster(
        f"No usable Kubernetes configuration: {where} can't be used ({one_line(why, _LONGEST_MESSAGE)}). "
        "Name a kubeconfig with --kubeconfig, or run inside a pod with a ServiceAccount."
    )
