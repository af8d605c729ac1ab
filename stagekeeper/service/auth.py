"""Who may call: a bearer token from a file, as Alertmanager's `authorization` sends it."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.files import Reloaded, read_text
from stagekeeper.service.http_guard import unproven
from stagekeeper.service.seldom import Seldom

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

AUTHENTICATED = web.RequestKey("authenticated", bool)
"""Set on a request that proved who sends it, so that no second proof is asked for."""

_GUESS_DELAY = 1.0
"""Seconds until a wrong token is answered."""
_GUESSES_AT_ONCE = 32
"""Wrong tokens that wait for their answer at the same time; more are answered at once."""
_SHORTEST = 16
"""Characters of a token that nobody guesses; the install guide makes 64."""


@dataclass(frozen=True, slots=True)
class _Previous:
    digest: bytes
    valid_until: float


class BearerToken:
    """The token that callers must send, read from a file and again whenever the file changes.

    The token before it is accepted for `overlap` seconds (default 5 minutes) from the file's change on: kubelet updates
    the mounted Secrets of caller and called up to about 2 minutes apart. Only digests are kept in memory.
    """

    def __init__(self, path: Path, *, overlap: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file. Raises `ConfigurationError` if it holds no usable token. `clock` counts seconds."""
        self._reloaded = Reloaded("The bearer token", [path], lambda: _digest(_read_token(path)))
        self._path, self._overlap = path, overlap
        self._clock = clock
        self._current = self._reloaded.current()
        self._previous = _Previous(b"", 0.0)

    def accepts(self, token: str) -> bool:
        """Whether `token` is the present one, or the one before within the overlap; in constant time."""
        self.follow()
        digest = _digest(token)
        is_current = hmac.compare_digest(digest, self._current)
        is_previous = hmac.compare_digest(digest, self._previous.digest)
        return is_current or (is_previous and self._clock() < self._previous.valid_until)

    def follow(self) -> None:
        """Take the file's token; the one before it is as old as the file, however late we come."""
        newest = self._reloaded.current()
        if newest != self._current:
            ago = 0.0
            with suppress(OSError):  # it has just been read
                changed = max(
                    self._path.stat().st_ctime, self._path.lstat().st_ctime
                )  # a link may be newer than its file
                ago = max(0.0, time.time() - changed)
            self._previous = _Previous(self._current, self._clock() + self._overlap - ago)
            self._current = newest


def bearer_auth(token: BearerToken, paths: Collection[str], *, guess_delay: float = _GUESS_DELAY) -> Middleware:
    """A middleware that asks for `token` on exactly these `paths`.

    A wrong token is answered 401 after `guess_delay` seconds, a right one at once, however many wrong ones wait: nobody
    can lock the right caller out. Nothing is remembered about callers, so there is no memory to fill. The delay only
    slows a guesser down: what a token is worth is its length.
    """
    guarded = frozenset(paths)
    brake = _Brake(guess_delay)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        token.follow()  # at kubelet's probes too: of two changes between two calls the older token would stay
        if request.path not in guarded:
            return await handler(request)
        if not token.accepts(_bearer(request.headers.get(hdrs.AUTHORIZATION, ""))):
            with unproven(request):
                return await brake.refuse(request)
        request[AUTHENTICATED] = True
        return await handler(request)

    return check


class _Brake:
    """Answers wrong tokens, slowly, and logs them at most once a minute."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._waiting = 0
        self._warn = Seldom(_log, "A request without the right bearer token was refused.")

    async def refuse(self, request: web.Request) -> web.Response:
        self._warn(path=request.path, peer=request.remote)
        if self._waiting >= _GUESSES_AT_ONCE:
            return _refusal("Too many wrong tokens at once.\n")
        self._waiting += 1
        try:
            await asyncio.sleep(self._delay)
        finally:
            self._waiting -= 1
        return _refusal("This address needs the right bearer token.\n")


def _refusal(text: str) -> web.Response:
    response = web.Response(status=401, text=text, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
    response.force_close()
    return response


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _read_token(path: Path) -> str:
    token = read_text(path, "The bearer token file").strip()
    if not token:
        raise ConfigurationError(f"The bearer token file {path} is empty; write the token into it.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"The bearer token file {path} must hold one token of printable ASCII without spaces, on one line."
        )
    if len(token) < _SHORTEST:
        raise ConfigurationError(
            f"The bearer token file {path} holds a token of {len(token)} characters, which can be guessed; "
            f"write one of at least {_SHORTEST}, such as openssl rand -hex 32 makes."
        )
    return token
