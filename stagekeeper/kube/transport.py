"""Requests to one API server over the library's `ApiClient`: bounded, unredirected, each change sent at most once.

The library brings sessions and TLS; what it is told here, and what is taken away from it, is in
docs/decisions/0011-kubeconfig.md.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDict

from stagekeeper import trust
from stagekeeper.kube.access import Access
from stagekeeper.kube.library import ApiClient, Configuration

AT_ONCE = 32
"""Requests in flight. More are not answered sooner, and so many answers at once hold up the event loop."""
MOST = 16 * 2**20
"""Bytes of one answer: a page of 500 large objects. More would hold up the event loop and end in the memory limit."""


class Redirected(aiohttp.ClientError):
    """The answer points elsewhere. An API server never does: a proxy or a login page stands in its place."""


class TooLarge(aiohttp.ClientError):
    """The answer has more than `MOST` bytes."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came."""

    status: int
    text: str
    date: str | None


class Transport:
    """The connections to one API server; new ones whenever the client certificate is another."""

    def __init__(self, access: Access, pair: trust.Pair | None) -> None:
        self.access = access
        self._pair, self._client = pair, _client(access, pair)
        self._in_use: Counter[ApiClient] = Counter()

    async def send(
        self, method: str, target: str, headers: Mapping[str, str], body: Any, pair: trust.Pair | None
    ) -> Raw:
        """One request for the path (and query) `target`. Raises what aiohttp raises, `Redirected` and `TooLarge`."""
        async with self._leased(pair) as client:
            answer = await client.call_api(method, f"{self.access.server}{target}", dict(headers), body)
            response: aiohttp.ClientResponse = answer.response
            try:
                content = await _bounded(response)
            finally:
                response.close()  # one that was read to its end has given its connection back already
        return Raw(response.status, content.decode(errors="replace"), response.headers.get("Date"))

    @asynccontextmanager
    async def _leased(self, pair: trust.Pair | None) -> AsyncIterator[ApiClient]:
        """The client that shows `pair`. One that shows another is closed when its last request has ended."""
        if pair != self._pair:
            before, self._pair, self._client = self._client, pair, _client(self.access, pair)
            if not self._in_use[before]:
                await before.close()
        client = self._client
        self._in_use[client] += 1
        try:
            yield client
        finally:
            self._in_use[client] -= 1
            if client is not self._client and not self._in_use[client]:
                del self._in_use[client]
                await client.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _client(access: Access, pair: trust.Pair | None) -> ApiClient:
    settings = Configuration()
    settings.retries = None  # else it repeats DELETE and PUT by itself; our next observation is the retry
    settings.connection_pool_maxsize = AT_ONCE
    settings.ca_cert_data, settings.verify_ssl = access.authorities, access.verify
    settings.tls_server_name, settings.proxy = access.server_name, access.proxy
    settings.client_session_kwargs = {
        "middlewares": (_as_it_comes,),
        # Else aiohttp looks for proxies and for a netrc at each request, in two threads, and a netrc that has an entry
        # for the API server makes every request with a token fail.
        "trust_env": False,
        "auto_decompress": False,  # a small body can unpack to one that fills the memory
        "cookie_jar": aiohttp.DummyCookieJar(),
        "headers": CIMultiDict(access.impersonate),
    }
    client = ApiClient(settings)
    context = trust.loosen(client.rest_client.ssl_context)
    if pair:
        trust.show(context, pair)
    return client


async def _as_it_comes(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Follow no redirect, and keep aiohttp from sending a change again when a connection that it kept is dead.

    It repeats what HTTP calls idempotent, PUT and DELETE among them. With our preconditions the second would do no
    harm, but its Conflict would hide that the first was carried out. Only another kind of error stops it.
    """
    try:
        response = await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as problem:
        if request.method == "GET" or isinstance(problem, aiohttp.ClientConnectorError):
            raise
        raise aiohttp.ClientConnectionError(str(problem)) from problem
    if 300 <= response.status < 400:  # noqa: PLR2004 -- HTTP's 3xx
        response.close()
        raise Redirected(f"HTTP {response.status}")
    return response


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    chunks, length = [], 0
    async for chunk in response.content.iter_any():
        length += len(chunk)
        if length > MOST:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def reason(problem: Exception) -> str:  # noqa: PLR0911 -- one sentence for each kind
    """Why a request got no answer, in words for a person: without a full stop.

    Words of others in it are as they came: whoever says it hides secrets in it first, and then cuts it.
    """
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        why = getattr(problem.certificate_error, "verify_message", "") or str(problem.certificate_error)
        return f"its certificate is not trusted ({why.rstrip('.')}); check certificate-authority and tls-server-name"
    if isinstance(problem, aiohttp.ClientHttpProxyError):
        return f"the proxy answers HTTP {problem.status} ({problem.message})"
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return f"the name {problem.host} is not known to DNS"  # it may be a proxy's
    if isinstance(problem, aiohttp.ClientConnectorError):
        at = (
            f"the proxy {problem.host}:{problem.port} "
            if isinstance(problem, aiohttp.ClientProxyConnectionError)
            else ""
        )
        return at + _os_reason(problem.os_error)
    if isinstance(problem, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    if isinstance(problem, aiohttp.ClientPayloadError):
        return "its answer ended half-way"
    if isinstance(problem, aiohttp.ClientResponseError):
        return "what it answers is not HTTP"
    return str(problem) or type(problem).__name__


def _os_reason(problem: OSError) -> str:
    if getattr(problem, "reason", None):  # an ssl.SSLError
        return f"TLS fails ({str(getattr(problem, 'reason', '')).replace('_', ' ').lower()})"
    return os.strerror(problem.errno) if problem.errno else str(problem)
