"""Faults of the Kubernetes API itself: wrong answers, no answers, and answers lost after the change was made."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Answer = Callable[[], Awaitable[web.StreamResponse]]
Effect = Callable[[web.BaseRequest, Answer], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Rule:
    """One fault: which requests it befalls, how many of them (None: all), and what happens to them."""

    methods: frozenset[str]
    path: re.Pattern[str]
    remaining: int | None
    effect: Effect

    def befalls(self, method: str, path: str) -> bool:
        """Whether a request of this method and path (with its query) is hit."""
        return self.remaining != 0 and method in self.methods and self.path.search(path) is not None


class ApiFaults:
    """The faults in force. The first matching rule wins; the simulator's own actors are never hit.

    `methods` is one or more methods (`"DELETE"`, `"PUT PATCH"`), `path` a regular expression searched for in the path
    with its query, `count` how many requests are hit (None: every one until `clear`).
    """

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._released = asyncio.Event()
        self.token_revoked = False

    def answer(  # noqa: PLR0913 - each is one part of the answer, by keyword
        self,
        methods: str,
        path: str,
        status: int,
        *,
        body: dict[str, Any] | None = None,
        retry_after: int | None = None,
        count: int | None = None,
    ) -> None:
        """Answer with this status and a Status body (or `body`), without doing anything."""
        content = json.dumps(body or _status(status)).encode()
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

        async def effect(_request: web.BaseRequest, _answer: Answer) -> web.StreamResponse:
            return web.Response(status=status, body=content, content_type="application/json", headers=headers)

        self._add(methods, path, count, effect)

    def garbage(self, methods: str, path: str, *, body: bytes = b"{nonsense", count: int | None = None) -> None:
        """Answer 200 with a body that is not what was asked for."""

        async def effect(_request: web.BaseRequest, _answer: Answer) -> web.StreamResponse:
            return web.Response(body=body, content_type="application/json")

        self._add(methods, path, count, effect)

    def delay(self, methods: str, path: str, *, seconds: float, count: int | None = None) -> None:
        """Answer rightly, but so many seconds late."""

        async def effect(_request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await answer()

        self._add(methods, path, count, effect)

    def hang(self, methods: str, path: str, *, count: int | None = None) -> None:
        """Never answer, and do nothing; the connection is closed by `clear`."""

        async def effect(request: web.BaseRequest, _answer: Answer) -> web.StreamResponse:
            await self._released.wait()
            return _cut(request)

        self._add(methods, path, count, effect)

    def close(self, methods: str, path: str, *, count: int | None = None) -> None:
        """Close the connection instead of answering, and do nothing."""

        async def effect(request: web.BaseRequest, _answer: Answer) -> web.StreamResponse:
            return _cut(request)

        self._add(methods, path, count, effect)

    def lose_answer(self, methods: str, path: str, *, hang: bool = False, count: int | None = None) -> None:
        """Make the change, then close the connection (or never answer): the client can't know that it was made."""

        async def effect(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
            await answer()
            if hang:
                await self._released.wait()
            return _cut(request)

        self._add(methods, path, count, effect)

    def freeze(self) -> None:
        """Let every request wait, as a stopped process would, until `thaw`; then they are carried out."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._thawed.set()

    def clear(self) -> None:
        """End every fault, and every request that one of them holds."""
        self._rules.clear()
        self.token_revoked = False
        self._released.set()
        self._released = asyncio.Event()
        self.thaw()

    async def perform(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Answer one request under the faults in force."""
        await self._thawed.wait()
        if request.method == "GET" and (request.transport is None or request.transport.is_closing()):
            return web.Response()  # nobody hears it any more, and a long freeze leaves tens of thousands of them
        for rule in self._rules:
            if rule.befalls(request.method, request.path_qs):
                if rule.remaining is not None:
                    rule.remaining -= 1
                return await rule.effect(request, answer)
        return await answer()

    def _add(self, methods: str, path: str, count: int | None, effect: Effect) -> None:
        self._rules.append(Rule(frozenset(methods.upper().split()), re.compile(path), count, effect))


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _status(code: int) -> dict[str, Any]:
    message = f"the simulated API answers {code} because a test asked it to"
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "InternalError",
        "code": code,
    }
