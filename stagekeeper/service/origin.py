"""What is refused whoever asks: odd HTTP, and changes that a web page has a browser ask for.

A browser of somebody who reaches our port asks for whatever a page tells it. It says so itself (`Origin`), unless the
page has made its own host name resolve to our address: then our address goes by that name (`Host`). So a change is
refused where another origin asks for it, and where our name is one that anybody could register, unless the request
proves by a token or a password who sends it: no page has those.
"""

import ipaddress
import re
import socket

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from stagekeeper.service.auth import AUTHENTICATED
from stagekeeper.service.http_guard import REFUSAL
from stagekeeper.visible import visible

_HARMLESS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_NOBODY_REGISTERS = re.compile(r"[\w-]+|[\w.-]+\.(localhost|svc|svc\.cluster\.local)", re.IGNORECASE | re.ASCII)
"""Names that only the own machine, network or cluster resolves. In letters that have no full stop but the one."""
_PORT = re.compile(r":\d*\Z")


@web.middleware
async def refused_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what the connection has refused already."""
    refusal = request.get(REFUSAL)
    return await handler(request) if refusal is None else refusal


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a change that a web page may be behind."""
    if request.method in _HARMLESS:
        return await handler(request)
    host = request.headers.get(hdrs.HOST, "")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return _forbidden(f"A web page at {visible(origin)} may change nothing here.\n")
    named = request.raw_path if not request.raw_path.startswith("/") else host  # a URL counts more than `Host`
    if not (request.get(AUTHENTICATED, False) or is_ours(named)):
        return _forbidden(
            f"This program does not know itself as {visible(named) or 'nothing'}. Ask it by its IP address, as "
            "localhost, or as its Service's name with .svc at the end.\n"
        )
    return await handler(request)


def is_ours(host: str) -> bool:
    """Whether a `Host` names us in a way that nobody else can arrange: by address, or by a name of our own network."""
    name = _PORT.sub("", host).removesuffix(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return bool(_NOBODY_REGISTERS.fullmatch(name)) or name.lower() == socket.gethostname().lower()
    return True


def _forbidden(text: str) -> web.Response:
    return web.Response(status=403, text=text)
