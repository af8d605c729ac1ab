"""Basic authentication against bcrypt hashes, and the response headers, of a web configuration file."""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from stagekeeper.service.auth import AUTHENTICATED
from stagekeeper.service.health import OPEN_PATHS
from stagekeeper.service.http_guard import unproven
from stagekeeper.service.seldom import Seldom
from stagekeeper.service.turns import Turns
from stagekeeper.service.web_config import WebConfigFile

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_LONGEST_PASSWORD = 72
"""Bytes; bcrypt ignores what comes after, so the library refuses it."""
_CACHED = 100
_AT_ONCE = 2
"""Hashes take 59 ms of a core each at cost 10: guesses must not take all cores."""
_DEFAULT_COST = "10"
_HELD_BACK = 60.0
"""Seconds for which a wrong password's answer waits for other guesses of the same caller, at most."""


@dataclass(frozen=True, slots=True)
class _Guess:
    digest: bytes
    clear: bytes = field(repr=False)
    hashed: str
    caller: str


def _checked(guess: _Guess) -> bool:
    from bcrypt import checkpw  # noqa: PLC0415 -- 0.4 MiB that only those need whose web configuration has passwords

    return checkpw(guess.clear, guess.hashed.encode())


class Passwords:
    """Checks passwords in threads, and remembers the right ones by a keyed digest, so that a scrape costs no hash.

    Neither clear passwords nor digests that could be tried elsewhere are kept: the key is of this process. Where the
    right password of a user is known, any other is known to be wrong; it is hashed all the same, after all others.
    Whoever waits with the same password is let in as soon as one of them has been found right.
    A caller that guesses much waits for his answers: who sends the next guess when he has one would never let a right
    password that is not known yet have its turn.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._turns = Turns(_AT_ONCE)
        self._proved: WeakValueDictionary[bytes, asyncio.Future[None]] = WeakValueDictionary()
        """By digest, as long as anybody waits with it; done as soon as one of them was found right."""

    async def are_right(self, users: Mapping[str, str], user: str, password: str, caller: str = "") -> bool:
        """Whether `password` is that of `user`. An unknown user takes as long as a wrong password."""
        clear = password.encode()
        if len(clear) > _LONGEST_PASSWORD or b"\0" in clear:
            return False
        hashed = users.get(user, _hash_nobody_has(users))
        digest, right = self._digest(user, hashed, clear), self._right.get((user, hashed))
        if right is not None and hmac.compare_digest(digest, right):
            self._right.move_to_end((user, hashed))
            return True
        hopeless = right is not None or user not in users
        if await self._matches(_Guess(digest, clear, hashed, caller), hopeless=hopeless) and user in users:
            self._remember(user, hashed, digest)
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(_HELD_BACK):
                await self._turns.quiet(caller)
        return False

    async def _matches(self, guess: _Guess, *, hopeless: bool) -> bool:
        """By a hash of its own, or by that of the same password which was sent later and has had its turn before."""
        proved = self._proved.setdefault(guess.digest, asyncio.get_running_loop().create_future())
        hashing = asyncio.create_task(self._hash(guess, hopeless=hopeless))
        either: set[asyncio.Future[Any]] = {hashing, proved}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not proved.done() and hashing.result():
                proved.set_result(None)
            return proved.done()
        finally:
            hashing.cancel()

    async def _hash(self, guess: _Guess, *, hopeless: bool) -> bool:
        async with self._turns.turn(guess.caller, hopeless=hopeless):
            hashing = asyncio.create_task(asyncio.to_thread(_checked, guess))
            try:
                return await asyncio.shield(hashing)
            finally:
                await asyncio.wait({hashing})  # who hangs up ends no thread, and so gives no turn back

    def _remember(self, user: str, hashed: str, digest: bytes) -> None:
        self._right[user, hashed] = digest
        while len(self._right) > _CACHED:
            self._right.popitem(last=False)

    def _digest(self, user: str, hashed: str, clear: bytes) -> bytes:
        """Over the hash too: a changed password is forgotten. Lengths are fixed or given, so nothing runs together."""
        name = user.encode()
        return hashlib.blake2b(
            b"%d:%s%s%s" % (len(name), name, hashed.encode(), clear), key=self._key, digest_size=32
        ).digest()


def web_config_middleware(web_config: WebConfigFile) -> Middleware:
    """A middleware that asks for basic authentication where the file lists users.

    It covers every path but `/-/healthy` and `/-/ready` (the exporter-toolkit covers these too): kubelet's probes could
    only authenticate with a password written into the pod's manifest. A request that has already proved who it is by
    a bearer token is not asked again, since both use the same header.
    """
    passwords = Passwords()
    warn = Seldom(_log, "A request without the right password was refused.")

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        users = web_config.current().users
        if not users or request.path in OPEN_PATHS or request.get(AUTHENTICATED, False):
            return await handler(request)
        given = _credentials(request)
        right = False
        if given is not None:
            with unproven(request):
                right = await passwords.are_right(users, *given, request.remote or "")
        if not right:
            warn(path=request.path, peer=request.remote)
            return web.Response(
                status=401, text="Unauthorized\n", headers={hdrs.WWW_AUTHENTICATE: 'Basic realm="stagekeeper"'}
            )
        request[AUTHENTICATED] = True
        return await handler(request)

    return check


def _credentials(request: web.Request) -> tuple[str, str] | None:
    """User and password; None where none are given, as in the first request of every browser."""
    try:
        given = aiohttp.BasicAuth.decode(request.headers.get(hdrs.AUTHORIZATION, ""), encoding="utf-8")
    except ValueError:
        return None
    return given.login, given.password


def _hash_nobody_has(users: Mapping[str, str]) -> str:
    """A well-formed hash of the same cost as the users', so that it takes the same time."""
    cost = max((hashed[4:6] for hashed in users.values()), default=_DEFAULT_COST)
    return f"$2b${cost}${'.' * 53}"
