"""`auth-provider: oidc` of a kubeconfig: an ID token, and a refresh token to get the next one.

As client-go does it (plugin/pkg/client/auth/oidc/oidc.go), with three bounds: everything goes over HTTPS with a
certificate that the system or `idp-certificate-authority` vouches for, no redirect is followed, and the kubeconfig is
written only where the provider gave another refresh token, for the old one may be void by then.
"""

import base64
import json
import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import structlog

from stagekeeper import trust
from stagekeeper.kube.credentials import Credential, CredentialError, Fetched, Secrets, bearer
from stagekeeper.kube.kubeconfig import KubeconfigEntry, KubeconfigError, read_bounded
from stagekeeper.kube.proxies import ProxyError, proxy_for
from stagekeeper.kube.wording import one_line

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_MOST = 2**20
"""Bytes of an answer."""
_PLAIN = re.compile(rb"[\w.~+/=-]+")
"""A token that means itself in YAML and JSON, quoted or not."""
_REFUSED = (400, 401)
"""How a provider answers that wants the client's name and secret the other way."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Oidc:
    """The tokens of one user entry. Raises `KubeconfigError` if the entry lacks what a renewal needs to be safe."""

    def __init__(self, provider: KubeconfigEntry, secrets: Secrets) -> None:
        config = provider.part("config") or KubeconfigEntry(provider.file, provider.name, {})
        self._config, self._secrets = config, secrets
        self._issuer, self._client = config.text("idp-issuer-url"), config.text("client-id")
        if not self._issuer or not self._client:
            raise config.wrong("idp-issuer-url and client-id must be given")
        self._secret, self._refresh = config.text("client-secret"), config.text("refresh-token")
        secrets.add(self._secret, self._refresh, config.text("id-token"))
        self._ca = config.material("idp-certificate-authority")

    def first(self) -> Fetched | None:
        """The token that stands in the kubeconfig. Raises `KubeconfigError` if that is none."""
        token = self._config.text("id-token")
        try:
            return _fetched(token) if token else None
        except CredentialError as problem:
            raise self._config.wrong(f"id-token is {problem}") from None

    async def fetch(self) -> Fetched:
        """Ask the provider for another token. Raises `CredentialError`."""
        if not self._refresh:
            raise self._failed("the ID token has expired, and there is no refresh-token: log in again")
        try:
            answer = await self._renewed()
        except (aiohttp.ClientError, OSError, ValueError, ProxyError, KubeconfigError) as problem:
            why = one_line(self._secrets.hide(str(problem)), 300) or type(problem).__name__
            raise self._failed(f"{self._issuer}: {why}") from None
        token, refresh = answer.get("id_token"), answer.get("refresh_token")
        if not isinstance(token, str):
            raise self._failed("the provider's answer has no id_token: log in again, with the scope openid")
        self._secrets.add(token)
        try:
            fetched = _fetched(token)
        except CredentialError as problem:
            raise self._failed(f"the provider's id_token is {problem}") from None
        if isinstance(refresh, str) and refresh and refresh != self._refresh:
            self._secrets.add(refresh)
            self._keep(refresh)
        return fetched

    async def _renewed(self) -> Mapping[str, Any]:
        context = trust.loosen(ssl.create_default_context(cadata=trust.bundle(self._ca.read()) if self._ca else None))
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False) as session:
            status, found = await _ask(session, "GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            endpoint = found.get("token_endpoint")
            if status != 200 or not isinstance(endpoint, str):  # noqa: PLR2004 -- HTTP's OK
                raise ValueError(f"its openid-configuration can't be read (HTTP {status})")
            form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
            in_form = {**form, "client_id": self._client, **({"client_secret": self._secret} if self._secret else {})}
            if not self._secret:  # a public client has nothing to prove
                status, answer = await _ask(session, "POST", endpoint, in_form)
            else:
                status, answer = await _ask(session, "POST", endpoint, form, self._basic())
                if status in _REFUSED and answer.get("error") != "invalid_grant":
                    status, answer = await _ask(session, "POST", endpoint, in_form)
        if status != 200:  # noqa: PLR2004 -- HTTP's OK
            why = " ".join(str(answer.get(key) or "") for key in ("error", "error_description"))
            raise ValueError(f"HTTP {status} {why}: the refresh token may be void; log in again")
        return answer

    def _basic(self) -> str:
        """Name and secret, each form-encoded first (RFC 6749, 2.3.1)."""
        both = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
        encoded = base64.b64encode(both.encode()).decode()
        self._secrets.add(encoded)
        return f"Basic {encoded}"

    def _keep(self, refresh: str) -> None:
        """Put the new refresh token where the old one stands in the kubeconfig, and leave the rest as it is."""
        old, self._refresh = self._refresh, refresh
        path = self._config.file.resolve()
        try:
            _replace(path, old.encode(), refresh.encode())
        except (OSError, ValueError) as problem:
            _log.warning(
                "a new refresh token can't be written to the kubeconfig; kubectl may ask for a login",
                file=str(path),
                reason=getattr(problem, "strerror", None) or str(problem),
            )

    def _failed(self, what: str) -> CredentialError:
        return CredentialError(f"auth-provider oidc of {self._config.name.rpartition(' of ')[2]}: {what}")


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, form: Mapping[str, str] | None = None, basic: str = ""
) -> tuple[int, Mapping[str, Any]]:
    """Status and JSON object of an answer; {} for anything else. Raises `ValueError` for a way that is not safe."""
    if urlsplit(url).scheme != "https":
        raise ValueError("only https:// is safe for tokens")
    headers = {"Accept": "application/json", **({"Authorization": basic} if basic else {})}
    async with session.request(
        method, url, data=form, headers=headers, allow_redirects=False, proxy=proxy_for(url)
    ) as response:
        body = b""
        async for chunk in response.content.iter_chunked(65536):
            body += chunk
            if len(body) > _MOST:
                raise ValueError("its answer is too large")
        with suppress(ValueError, RecursionError):
            found = json.loads(body)
            return response.status, found if isinstance(found, dict) else {}
        return response.status, {}


def _fetched(token: str) -> Fetched:
    """The token with its end. Raises `CredentialError` if it is no JSON Web Token."""
    try:
        _, claims, _ = token.split(".")
        found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        ends = datetime.fromtimestamp(float(found.get("exp") or 0), UTC)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise CredentialError("not a JSON Web Token") from None
    return Fetched(Credential(bearer(token, "auth-provider oidc")), ends)


def _replace(path: Path, old: bytes, new: bytes) -> None:
    """Write a file anew with `new` for `old`, atomically, under the lock that kubectl takes too."""
    lock = path.with_name(f"{path.name}.lock")
    os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
    try:
        content = read_bounded(path)
        if content.count(old) != 1 or not _PLAIN.fullmatch(new):
            raise ValueError("the old one does not stand there just once, or the new one would need quotes")
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        mode = path.stat().st_mode & 0o777
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(content.replace(old, new))
        beside.replace(path)
    finally:
        lock.unlink()
