"""Basic authentication against bcrypt hashes, and the response headers, of a web configuration file."""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping

import aiohttp
import bcrypt
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from stagekeeper.service.auth import AUTHENTICATED
from stagekeeper.service.health import HEALTHY_PATH, READY_PATH
from stagekeeper.service.web_config import WebConfigFile

_LONGEST_PASSWORD = 72  # bytes; bcrypt ignores what comes after, so the library refuses it
_CACHED = 100
_AT_ONCE = 2  # hashes take 59 ms of a core each at cost 10: guesses must not take all cores
_DEFAULT_COST = "10"
_OPEN_PATHS = frozenset({HEALTHY_PATH, READY_PATH})


class Passwords:
    """Checks passwords in threads, and remembers right ones by a keyed digest, so that a scrape costs no hash.

    Neither clear passwords nor digests that could be tried elsewhere are kept: the key is of this process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def are_right(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Tell whether `password` is that of `user`. An unknown user takes as long as a wrong password."""
        clear = password.encode()
        if len(clear) > _LONGEST_PASSWORD or b"\0" in clear:
            return False
        hashed = users.get(user, _hash_nobody_has(users))
        digest = self._digest(user, hashed, clear)
        if digest in self._right:
            self._right.move_to_end(digest)
            return True
        async with self._turn:
            matches = await asyncio.to_thread(bcrypt.checkpw, clear, hashed.encode())
        if not matches or user not in users:
            return False
        self._remember(digest)
        return True

    def _remember(self, digest: bytes) -> None:
        self._right[digest] = None
        while len(self._right) > _CACHED:
            self._right.popitem(last=False)

    def _digest(self, user: str, hashed: str, clear: bytes) -> bytes:
        """Over the hash too: a changed password is forgotten. Lengths are fixed or given, so nothing runs together."""
        name = user.encode()
        return hashlib.blake2b(
            b"%d:%s%s%s" % (len(name), name, hashed.encode(), clear), key=self._key, digest_size=32
        ).digest()


def web_config_middleware(web_config: WebConfigFile) -> Middleware:
    """Return a middleware that asks for basic authentication where the file lists users.

    It covers every path but `/-/healthy` and `/-/ready` (the exporter-toolkit covers these too): kubelet's probes could
    only authenticate with a password written into the pod's manifest. A request that has already proved who it is by
    a bearer token is not asked again, since both use the same header.
    """
    passwords = Passwords()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        users = web_config.current().users
        if not users or request.path in _OPEN_PATHS or request.get(AUTHENTICATED, False):
            return await handler(request)
        user, password = _credentials(request)
        if not await passwords.are_right(users, user, password):
            return web.Response(
                status=401, text="Unauthorized\n", headers={hdrs.WWW_AUTHENTICATE: 'Basic realm="stagekeeper"'}
            )
        return await handler(request)

    return check


def _credentials(request: web.Request) -> tuple[str, str]:
    try:
        given = aiohttp.BasicAuth.decode(request.headers.get(hdrs.AUTHORIZATION, ""), encoding="utf-8")
    except ValueError:
        return "", ""
    return given.login, given.password


def _hash_nobody_has(users: Mapping[str, str]) -> str:
    """A well-formed hash of the same cost as the users', so that it takes the same time."""
    cost = max((hashed[4:6] for hashed in users.values()), default=_DEFAULT_COST)
    return f"$2b${cost}${'.' * 53}"
