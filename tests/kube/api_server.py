"""A small API server that answers what a test says, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from stagekeeper.kube.client import Kube, connect

DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    shown: str | None = None
    """The common name of the client certificate."""


@dataclass
class ApiServer:
    """Answers by path; a path that no answer is given for is 404, as in the API."""

    answers: dict[str, Answering] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Remember the request, then do as the test said."""
        asked = Request(request.method, request.path, dict(request.query), dict(request.headers), await request.text())
        asked.shown = _common_name(request)
        self.requests.append(asked)
        given = self.answers.get(request.path) or self.answers.get("*")
        return await given(request) if given else status(404, "NotFound")


def answering(body: Any, code: int = 200, **headers: str) -> Answering:
    """The same JSON to everybody."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code, headers={"Date": DATE, **headers})

    return answer


def refusing(code: int, reason: str = "", message: str = "because") -> Answering:
    """The same Status to everybody."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return status(code, reason, message)

    return answer


def saying(text: str, code: int = 200, content_type: str = "application/json") -> Answering:
    """The same text to everybody."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=code, content_type=content_type)

    return answer


async def hanging(_: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


def status(code: int, reason: str = "", message: str = "because") -> web.Response:
    """A Kubernetes Status."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return web.json_response({**body, "message": message}, status=code, headers={"Date": DATE})


def _common_name(request: web.Request) -> str | None:
    shown: Any = request.transport and request.transport.get_extra_info("peercert")
    names = {key: value for part in (shown or {}).get("subject", ()) for key, value in part}
    return names.get("commonName")


@asynccontextmanager
async def api_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ApiServer]:
    """A running server on a loopback port."""
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def kubeconfig(path: Path, server: str, user: Mapping[str, Any] | None = None, **cluster: Any) -> Path:
    """A kubeconfig for `server`, with a token unless `user` says otherwise."""
    named = {"user": user if user is not None else {"token": "made-up"}, "name": "me"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": server, **cluster}}],
        "users": [named],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(json.loads(json.dumps(content))))
    return path


@asynccontextmanager
async def connected(server: str, folder: Path) -> AsyncIterator[Kube]:
    """A client of `server`."""
    async with connect(kubeconfig(folder / "kubeconfig", server)) as kube:
        yield kube
