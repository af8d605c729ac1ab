"""Who we are to the API server, and how that is renewed while we run.

A `Source` gives the credential of the moment. Sources that cost a process or a request of their own (`exec_plugin`,
`oidc`) stand on `Renewed`: one renewal at a time, before the end of what we have, never while a request could go on
with what we have.
"""

import asyncio
import math
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, quote_plus

import structlog

from stagekeeper import trust
from stagekeeper.kube.kubeconfig import KubeconfigError, Material, read_bounded

_SHORTEST_SECRET = 6
"""Characters. Hiding each "a" of a message would hide the message."""
_READ_AGAIN_SECONDS = 50.0
"""As client-go, which takes a token for a minute less 10 s; kubelet changes the file well ahead of its end."""
_MARGIN = timedelta(seconds=60)
"""How long before the end of a credential it is renewed; at most a tenth of its life."""
_PAUSE_SECONDS = 10.0
"""Between two renewals that a failure or a 401 asked for: neither may start a process for each of our requests."""

_now = time.monotonic
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class CredentialError(Exception):
    """We have no credential. The message is a sentence without its end."""


class Secrets:
    """What no message may hold."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, *secrets: str) -> None:
        """Remember values of credentials, also as they stand in a form or a URL."""
        long_enough = [each for each in secrets if len(each) >= _SHORTEST_SECRET]
        self._known.update(form for each in long_enough for form in (each, quote_plus(each), quote(each, safe="")))

    def hide(self, text: str) -> str:
        """`text` without any of them."""
        for each in sorted(self._known, key=len, reverse=True):
            text = text.replace(each, "[hidden]")
        return text


@dataclass(frozen=True, slots=True)
class Credential:
    """What is shown to the API server."""

    header: str | None = field(default=None, repr=False)
    """The value of `Authorization`."""
    pair: trust.Pair | None = field(default=None, repr=False)


class Source(Protocol):
    """Gives the credential of the moment."""

    async def current(self) -> Credential:
        """The credential to use now. Raises `CredentialError`."""

    def refused(self, credential: Credential) -> None:
        """The API server did not know `credential` (401): look for a newer one the next time."""

    async def close(self) -> None:
        """End what may be under way."""


class Fixed:
    """A credential that stays."""

    def __init__(self, header: str | None = None) -> None:
        self._credential = Credential(header)

    async def current(self) -> Credential:
        """The credential."""
        return self._credential

    def refused(self, credential: Credential) -> None:
        """There is no other."""

    async def close(self) -> None:
        """Nothing is under way."""


class TokenFile:
    """A token in a file, which somebody changes now and then. `otherwise` counts while the file can't be read."""

    def __init__(self, path: Path, secrets: Secrets, otherwise: str = "") -> None:
        self._path, self._secrets = path, secrets
        self._credential = Credential(bearer(otherwise, path)) if otherwise else None
        self._read_at = -math.inf

    async def current(self) -> Credential:
        """The token as the file says, not older than `_READ_AGAIN_SECONDS`; the last one while that is unreadable."""
        now = _now()
        if self._credential and now - self._read_at < _READ_AGAIN_SECONDS:
            return self._credential
        try:
            self._credential = self._read()
        except CredentialError as problem:
            if self._credential is None:
                raise
            _log.warning("our own token can't be read again; the last one is used", reason=str(problem))
        self._read_at = now
        return self._credential

    def _read(self) -> Credential:
        try:
            if stat.S_ISFIFO(self._path.stat().st_mode):
                raise CredentialError(f"our own token can't be read: {self._path} is a pipe, not a file")
            token = read_bounded(self._path).decode(errors="replace").strip()
        except OSError as problem:
            why = problem.strerror or type(problem).__name__
            raise CredentialError(f"our own token can't be read: {self._path}: {why}") from problem
        if not token:
            raise CredentialError(f"our own token can't be read: {self._path} is empty")
        self._secrets.add(token)
        return Credential(bearer(token, self._path))

    def refused(self, credential: Credential) -> None:
        """Read the file again at the next request, and rather have no token than this one."""
        if credential.header == (self._credential and self._credential.header):
            self._credential = None

    async def close(self) -> None:
        """Nothing is under way."""


class CertificateFiles:
    """A client certificate beside what `source` gives, read again when its files may have changed."""

    def __init__(self, source: Source, certificate: Material, key: Material) -> None:
        self._source, self._certificate, self._key = source, certificate, key
        self._pair = self._read()  # raises: without a first one there is nothing to go on with
        self._read_at = _now()

    async def current(self) -> Credential:
        """The header of the source, and the newest certificate that fits its key."""
        if self._certificate.path and self._key.path and _now() - self._read_at >= _READ_AGAIN_SECONDS:
            self._read_at = _now()
            try:
                self._pair = self._read()
            except (KubeconfigError, ValueError) as problem:  # perhaps one file is new and the other not yet
                _log.warning("the client certificate can't be read again; the last one is used", reason=str(problem))
        return Credential((await self._source.current()).header, self._pair)

    def _read(self) -> trust.Pair:
        return trust.usable((self._certificate.read(), self._key.read()))

    def refused(self, credential: Credential) -> None:
        """Ask the source, and read the files again."""
        self._source.refused(credential)
        self._read_at = -math.inf

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()


class Renewed:
    """A credential that ends and is fetched anew. `fetch` raises `CredentialError`, and nothing else, if it can't."""

    def __init__(self, fetch: Callable[[], Awaitable["Fetched"]], first: "Fetched | None" = None) -> None:
        self._fetch, self._fetched = fetch, first
        self._renewal: asyncio.Task[None] | None = None
        self._problem = ""
        self._asked_at = -math.inf
        self._wanted = False

    async def current(self) -> Credential:
        """What we have if it lasts; else a new one. Near its end we go on with it while a new one is fetched."""
        if self._fetched and not self._wanted and not self._fetched.ends_soon():
            return self._fetched.credential
        if self._renewal is None and _now() - self._asked_at >= _PAUSE_SECONDS:
            self._renewal = asyncio.create_task(self._renew())
        if self._renewal and not (self._fetched and self._fetched.lasts() and not self._wanted):
            await asyncio.shield(self._renewal)
        if self._fetched and self._fetched.lasts():
            return self._fetched.credential
        raise CredentialError(self._problem or "the credential has expired")

    async def _renew(self) -> None:
        try:
            self._fetched, self._problem = await self._fetch(), ""
        except CredentialError as problem:
            self._problem = str(problem)
            if self._fetched and self._fetched.lasts():  # else whoever waits for it says so
                _log.warning("the credential can't be renewed; the last one is used", reason=self._problem)
        finally:
            self._wanted, self._renewal, self._asked_at = False, None, _now()

    def refused(self, credential: Credential) -> None:
        """Fetch anew before the next request, unless that was done already."""
        if self._fetched and credential.header == self._fetched.credential.header:
            self._wanted = _now() - self._asked_at >= _PAUSE_SECONDS

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._renewal:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])


@dataclass(frozen=True, slots=True)
class Fetched:
    """A credential with its end; None if it has none. `at` is when it was fetched."""

    credential: Credential
    ends: datetime | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def lasts(self) -> bool:
        """Whether it can still be used."""
        return self.ends is None or datetime.now(UTC) < self.ends

    def ends_soon(self) -> bool:
        """Whether it is time to fetch another."""
        return self.ends is not None and datetime.now(UTC) >= self.ends - min(_MARGIN, (self.ends - self.at) / 10)


def bearer(token: str, source: object) -> str:
    """The header for a token. Raises `CredentialError` for one that HTTP can't carry."""
    if not token.isprintable() or not token.isascii() or " " in token:
        raise CredentialError(f"the token of {source} has characters that no token has")
    return f"Bearer {token}"
