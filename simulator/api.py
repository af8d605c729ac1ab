"""The simulated Kubernetes API: HTTPS on loopback, bearer tokens, the part of the protocol that our programs use.

There is no watch and no server-side apply: nothing of ours uses them. What there is answers as kube-apiserver
1.37 does; tests/contract holds both to the same suite.
"""

import json
import ssl
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import count
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from simulator import errors
from simulator.api_faults import ApiFaults
from simulator.clock import Clock, http_date
from simulator.discovery import discovery
from simulator.resources import PODS, RESOURCES, Resource, by_path
from simulator.selectors import parse_fields, parse_labels
from simulator.store import Object, Store
from simulator.tables import table, wants_table

LogReader = Callable[[str, str, str | None], str]
"""Gives the log of (namespace, pod, container or None)."""
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_REMEMBERED_REQUESTS = 10_000
_LISTS = 20
"""Lists of which the rest is kept for whoever reads them in pages."""
_VERSION = {"major": "1", "minor": "37", "gitVersion": "v1.37.2-simulated", "platform": "linux/amd64"}


@dataclass(frozen=True, slots=True)
class User:
    """Who a token stands for."""

    name: str
    internal: bool = False
    """One of the simulator's own actors: faults of the API spare it, and its requests are not remembered."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a user's, remembered for tests and for the demo's timeline."""

    time: datetime
    user: str
    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class _Target:
    """What a path points at."""

    resource: Resource
    namespace: str
    name: str
    subresource: str


class SimulatedApi:
    """An HTTPS server for one store. `async with` starts and ends it; `url` is known once it runs."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tokens: Mapping[str, User],
        context: ssl.SSLContext,
        host: str,
    ) -> None:
        self.store = store
        self.faults = ApiFaults()
        self.requests: deque[Request] = deque(maxlen=_REMEMBERED_REQUESTS)
        self.url = ""
        self.read_log: LogReader = lambda *_: ""
        self._clock = clock
        self._tokens = tokens
        self._context = context
        self._host = host
        self._resources = by_path(RESOURCES)
        self._lists: dict[str, tuple[list[Object], str]] = {}
        self._tokens_given = count(1)
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start to listen on a free port."""
        runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        self._exits.callback(self.faults.clear)
        site = web.TCPSite(runner, self._host, 0, ssl_context=self._context)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"https://{host}:{port}"
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of every request and stop to listen."""
        await self._exits.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        user: User | None = None
        try:
            user = self._authenticate(request)
            response = await self._answer_under_faults(request, user, body)
        except errors.ApiError as error:
            response = _json(error.status, error.code)
        response.headers["Date"] = http_date(self._clock.now())
        if user is None or not user.internal:
            self._remember(request, user, response)
        return response

    async def _answer_under_faults(self, request: web.BaseRequest, user: User, body: bytes) -> web.StreamResponse:
        async def answer() -> web.StreamResponse:
            try:
                return self._answer(request, body)
            except errors.ApiError as error:
                return _json(error.status, error.code)

        return await answer() if user.internal else await self.faults.perform(request, answer)

    def _authenticate(self, request: web.BaseRequest) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self._tokens.get(token) if scheme == "Bearer" else None
        if user is None or (self.faults.token_revoked and not user.internal):
            raise errors.unauthorized()
        return user

    def _remember(self, request: web.BaseRequest, user: User | None, response: web.StreamResponse) -> None:
        name = user.name if user else "system:anonymous"
        self.requests.append(Request(self._clock.now(), name, request.method, request.path_qs, response.status))

    def _answer(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        if request.path in {"/readyz", "/livez", "/healthz"}:
            return web.Response(text="ok")
        if request.path == "/version":
            return _json(_VERSION)
        if request.method == "GET" and (document := discovery(request.path, RESOURCES)):
            return _json(document)
        target = self._target(request.path)
        if target is None:
            return web.Response(status=HTTPStatus.NOT_FOUND, text="404 page not found\n")
        if target.name:
            return self._answer_object(request, target, body)
        return self._answer_collection(request, target, body)

    def _target(self, path: str) -> _Target | None:
        """Take a path apart; None if its group is not served at all."""
        match path.strip("/").split("/"):
            case ["api", version, *rest]:
                group = ""
            case ["apis", group, version, *rest]:
                pass
            case _:
                return None
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:  # noqa: PLR2004 - namespaces/NAME is an object itself
            _, namespace, *rest = rest
        if not any(key[:2] == (group, version) for key in self._resources) or not rest:
            return None
        plural, name, subresource, *_ = [*rest, "", "", ""]
        resource = self._resources.get((group, version, plural))
        if resource is None:
            raise errors.no_such_resource()
        return _Target(resource, namespace, name, subresource)

    def _answer_collection(self, request: web.BaseRequest, target: _Target, body: bytes) -> web.StreamResponse:
        if request.method == "GET":
            return _json(self._list(request, target))
        if request.method == "POST" and bool(target.namespace) == target.resource.namespaced:
            item = _parse(target.resource, body)
            return _json(self.store.create(target.resource, target.namespace, item), HTTPStatus.CREATED)
        raise errors.method_not_allowed()

    def _list(self, request: web.BaseRequest, target: _Target) -> Object:
        if request.query.get("watch") in {"1", "true"}:
            raise errors.method_not_allowed()
        labels = parse_labels(request.query.get("labelSelector", ""))
        fields = parse_fields(request.query.get("fieldSelector", ""), target.resource.fields)
        items, version, rest = self._page(
            request, lambda: self.store.select(target.resource, target.namespace, labels, fields)
        )
        if wants_table(request.headers.get("Accept", "")):
            return table(target.resource, items, self.store.version, self._clock.now())
        if not target.resource.custom:
            items = [{key: item[key] for key in item if key not in {"kind", "apiVersion"}} for item in items]
        return {
            "kind": f"{target.resource.kind}List",
            "apiVersion": target.resource.api_version,
            "metadata": {"resourceVersion": version, **({"continue": rest} if rest else {})},
            "items": items,
        }

    def _page(self, request: web.BaseRequest, select: Callable[[], list[Object]]) -> tuple[list[Object], str, str]:
        """A page of a list, the version that all its pages are of, and the token of the next; "" after the last."""
        token, limit = request.query.get("continue", ""), int(request.query.get("limit") or sys.maxsize)
        if token and token not in self._lists:
            raise errors.expired()
        items, version = self._lists[token] if token else (select(), self.store.version)
        if len(items) <= limit:
            return items, version, ""
        rest = str(next(self._tokens_given))
        self._lists[rest] = items[limit:], version
        while len(self._lists) > _LISTS:
            del self._lists[next(iter(self._lists))]
        return items[:limit], version, rest

    def _answer_object(self, request: web.BaseRequest, target: _Target, body: bytes) -> web.StreamResponse:
        resource, namespace, name = target.resource, target.namespace, target.name
        if resource is PODS and target.subresource in {"log", "binding"}:
            return self._answer_pod(request, target, body)
        if target.subresource not in {"", "status"}:
            raise errors.no_such_resource()
        status = target.subresource == "status"
        match request.method:
            case "GET":
                item = self.store.get(resource, namespace, name)
                if wants_table(request.headers.get("Accept", "")):
                    return _json(table(resource, [item], self.store.version, self._clock.now()))
                return _json(item)
            case "PUT":
                return _json(self.store.replace(resource, namespace, name, _parse(resource, body), status=status))
            case "PATCH":
                patch = _parse_patch(resource, request.content_type, body)
                return _json(self.store.patch(resource, namespace, name, patch, status=status))
            case "DELETE" if not status:
                item = self.store.delete(resource, namespace, name, _parse_options(body))
                return _json(item if resource.deletion_returns_object else _deleted(resource, item))
        raise errors.method_not_allowed()

    def _answer_pod(self, request: web.BaseRequest, target: _Target, body: bytes) -> web.StreamResponse:
        namespace, name = target.namespace, target.name
        if target.subresource == "log" and request.method == "GET":
            self.store.get(PODS, namespace, name)
            return web.Response(text=self.read_log(namespace, name, request.query.get("container")))
        if target.subresource == "binding" and request.method == "POST":
            self.store.bind(PODS, namespace, name, json.loads(body)["target"]["name"])
            return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
        raise errors.method_not_allowed()


def _json(body: Mapping[str, Any], status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def _parse_object(body: bytes, what: str) -> Object:
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {what}): {error}") from error
    if not isinstance(parsed, dict):
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {what})")
    return parsed


def _parse(resource: Resource, body: bytes) -> Object:
    item = _parse_object(body, resource.kind)
    kind = item.get("kind", resource.kind)
    if kind != resource.kind:
        raise errors.bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}')
    return item


def _parse_patch(resource: Resource, content_type: str, body: bytes) -> Object:
    allowed = {_MERGE} if resource.custom else {_MERGE, _STRATEGIC}
    if content_type not in allowed:
        raise errors.unsupported_media_type()
    return _parse_object(body, resource.kind)


def _parse_options(body: bytes) -> Object:
    return _parse_object(body, "DeleteOptions") if body else {}


def _deleted(resource: Resource, item: Object) -> Object:
    details = {"name": item["metadata"]["name"], "kind": resource.plural, "uid": item["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
