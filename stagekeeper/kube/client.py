"""One small client for the Kubernetes API: JSON in, JSON out, our own errors, every wait bounded.

It stands on `kubernetes.aio`'s ApiClient for what is hard (kubeconfig, in-cluster tokens that rotate, TLS) and leaves
out its typed models, which cost 20 to 30 MiB and raise on odd objects.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yaml

from stagekeeper.kube.errors import KubeError, MalformedResponse, RequestTimeout, Unauthorized, Unreachable, from_status
from stagekeeper.kube.library import (
    ApiClient,
    ConfigException,
    Configuration,
    load_incluster_config,
    load_kube_config,
)

_UNUSABLE = (
    ConfigException,
    OSError,
    yaml.YAMLError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)
"""What the loader raises over a kubeconfig that is missing, unreadable, not YAML or of another shape."""
_HALF_CHARACTER = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
"""The escape of half a UTF-16 pair. Alone it decodes to what can't be encoded again, into metrics for one."""
AT_ONCE = 32
"""Requests in flight. More are not answered sooner, and so many answers at once hold up the event loop."""
MERGE_PATCH = "application/merge-patch+json"


class NoCluster(Exception):
    """There is no usable way to a Kubernetes API; the message says what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the API answered: the decoded object, and the server's own clock (its `Date` header, whole seconds)."""

    body: dict[str, Any]
    date: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path below the API server's address, query, JSON body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"

    def __str__(self) -> str:
        """Method and path, as messages name a request."""
        return f"{self.method} {self.path}"


class Kube:
    """The Kubernetes API. Methods raise `KubeError`, and nothing else, when a request does not succeed."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @property
    def server(self) -> str:
        """The address of the API server, for messages."""
        return str(self._client.configuration.host)

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:
        """GET one object or a list; `timeout` in seconds, for the whole request."""
        return await self.send(Call("GET", path, query or {}), timeout=timeout)

    async def send(self, call: Call, *, timeout: float) -> Response:
        """One request. After `Unreachable` and `MalformedResponse` it is unknown whether a change was made."""
        text, date = await self.text(call, timeout=timeout)
        decoded = _decoded(text)
        if decoded is None:
            raise MalformedResponse(f"{call}: {self.server} answered with something that is not a JSON object.")
        return Response(decoded, date)

    async def text(self, call: Call, *, timeout: float) -> tuple[str, datetime]:
        """Like `send`, for answers that are not JSON (a pod's log)."""
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(call)
        except TimeoutError as problem:
            raise RequestTimeout(
                f"{call}: no answer from {self.server} within {timeout:.3g} s. "
                "Check that the API server runs and that a NetworkPolicy lets us reach it."
            ) from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            why = str(problem) or type(problem).__name__
            raise Unreachable(f"{call}: {self.server} can't be reached: {why}.") from problem

    async def _exchange(self, call: Call) -> tuple[str, datetime]:
        try:
            _, url, headers, body, _ = await self._client.param_serialize(
                call.method,
                call.path,
                query_params=list(call.query.items()),
                header_params={"Accept": "application/json", "Content-Type": call.content_type},
                body=call.body,
                auth_settings=["BearerToken"],
            )
        except (ConfigException, OSError) as problem:  # the token's file, which is read again now and then
            raise Unauthorized(f"{call}: our own token can't be read: {problem}") from problem
        response = await self._client.call_api(call.method, url, headers, body)
        text = (await response.read()).decode(errors="replace")
        if not 200 <= response.status < 300:  # noqa: PLR2004 -- HTTP's 2xx
            raise _refusal(call, response.status, text)
        return text, _date(response.headers.get("Date"))


def _refusal(call: Call, status: int, text: str) -> KubeError:
    body = _decoded(text) or {}
    message = str(body.get("message") or text[:200].strip() or "no reason given")
    return from_status(status, str(body.get("reason", "")), f"{call}: HTTP {status}: {message}")


def _decoded(text: str) -> dict[str, Any] | None:
    """The JSON object in `text`; None if that is something else."""
    try:
        found = json.loads(text)
        if _HALF_CHARACTER.search(text):
            found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _date(header: str | None) -> datetime:
    """The server's clock. Only a proxy that strips the header leaves us our own, which is the best that is left."""
    try:
        date = parsedate_to_datetime(header or "")
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.now(UTC)


@asynccontextmanager
async def connect(kubeconfig: Path | None = None, context: str | None = None) -> AsyncIterator[Kube]:
    """The API that `kubeconfig` names; without one the pod's own ServiceAccount, else the user's kubeconfig.

    Raises `NoCluster`. Nothing is sent yet: an API server that is down shows at the first request, not here.
    """
    settings = await _settings(kubeconfig, context)
    settings.retries = None  # else the client repeats DELETE and PUT by itself; our next look is the retry
    settings.connection_pool_maxsize = AT_ONCE
    settings.proxy = settings.proxy or _proxy(settings.host)
    # Else aiohttp looks for proxies and for a netrc at each request, in two threads, and a netrc that has an entry for
    # the API server makes every request with a token fail.
    settings.client_session_kwargs = {"middlewares": (_send_changes_once,), "trust_env": False}
    try:
        client = ApiClient(settings)
    except OSError as problem:  # ssl.SSLError is one too
        raise NoCluster(
            f"The certificates for {settings.host} can't be used ({problem}). Check certificate-authority, "
            "client-certificate and client-key in the kubeconfig."
        ) from problem
    async with client:
        client.user_agent = "stagekeeper"
        yield Kube(client)


def _proxy(host: str) -> str | None:
    """The proxy that `HTTPS_PROXY` and `NO_PROXY` name for the API server at URL `host`, as kubectl heeds them."""
    address = urlsplit(host)
    return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)


async def _send_changes_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a change again when a connection that it kept turns out to be dead.

    It repeats what HTTP calls idempotent, PUT and DELETE among them. With our preconditions the second would do no
    harm, but its Conflict would hide that the first was carried out. Only another kind of error stops it.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as problem:
        if request.method == "GET":
            raise
        raise aiohttp.ClientConnectionError(str(problem)) from problem


async def _settings(kubeconfig: Path | None, context: str | None) -> Configuration:
    settings = Configuration()
    if kubeconfig is None and context is None:
        try:
            load_incluster_config(client_configuration=settings)
        except ConfigException:
            pass  # not in a pod: the user's own kubeconfig, as kubectl does
        else:
            return settings
    where = str(kubeconfig) if kubeconfig else "$KUBECONFIG or ~/.kube/config"
    try:
        await load_kube_config(
            config_file=str(kubeconfig) if kubeconfig else None, context=context, client_configuration=settings
        )
    except _UNUSABLE as problem:
        why = " ".join(str(problem).split()) or type(problem).__name__
        raise NoCluster(
            f"No way to a Kubernetes API: {where} can't be used ({why}). "
            "Name a kubeconfig with --kubeconfig, or run inside a pod with a ServiceAccount."
        ) from problem
    settings.api_key = {name: key.strip() for name, key in settings.api_key.items()}  # a token's file may end a line
    return settings
