"""The client against servers that answer, refuse, lie, hang and hang up."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from stagekeeper.kube import errors
from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.errors import KubeError, MalformedResponse, Unreachable
from tests.diego.listeners import listening
from tests.kube.api_server import ApiServer, answering, connected, hanging, refusing, saying
from tests.testbed.patience import HANG_GUARD, until

PATH = "/api/v1/namespaces/cf/pods"
ENOUGH, SHORT = 60.0, 0.2
CHANGES = ["PUT", "DELETE", "POST", "PATCH"]


# What is sent and what comes back


async def test_an_object_comes_with_the_servers_own_clock(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = answering({"items": []})
    answer = await kube.get(PATH, timeout=ENOUGH)
    assert answer.body == {"items": []}
    assert answer.date == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Mon, 23 Nov 2026 13:00:00 +0100", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 12:00:00 -0000", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
    ],
)
async def test_the_servers_clock_is_read_in_any_zone(
    header: str, expected: datetime, server: ApiServer, kube: Kube
) -> None:
    server.answers[PATH] = answering({}, Date=header)
    assert (await kube.get(PATH, timeout=ENOUGH)).date == expected


@pytest.mark.parametrize(
    "header", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -0500", "Mon, 99 Nov 2026 99:99:99 GMT"]
)
async def test_a_clock_that_makes_no_sense_is_not_known(header: str, server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = answering({}, Date=header)
    answer = await kube.get(PATH, timeout=ENOUGH)
    assert (answer.body, answer.clock) == ({}, None)
    with pytest.raises(MalformedResponse, match="no Date"):
        _ = answer.date


async def test_a_request_carries_the_token_the_query_and_the_body(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = answering({})
    call = Call("POST", PATH, {"fieldManager": "a&b"}, {"é": None})
    await kube.send(call, timeout=ENOUGH)
    asked = server.requests[0]
    assert (asked.method, asked.path, asked.query) == ("POST", PATH, {"fieldManager": "a&b"})
    assert asked.headers["Authorization"] == "Bearer made-up"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["User-Agent"] == "stagekeeper"
    assert json.loads(asked.body) == {"é": None}


async def test_a_text_is_returned_as_it_is(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying("not JSON\n", content_type="text/plain")
    text, _ = await kube.text(Call("GET", PATH), timeout=ENOUGH)
    assert text == "not JSON\n"


async def test_half_a_character_is_replaced_and_a_whole_one_stays(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying('{"half": "a\\uD83Db", "whole": "\\ud83d\\ude00"}')
    assert (await kube.get(PATH, timeout=ENOUGH)).body == {"half": "a?b", "whole": "\U0001f600"}


# Every status


REFUSALS = {
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.Invalid,
    409: errors.Conflict,
    410: errors.Invalid,
    413: errors.Invalid,
    415: errors.Invalid,
    422: errors.Invalid,
    429: errors.Unavailable,
    500: errors.Unavailable,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
    599: errors.Unavailable,
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("method", ["GET", *CHANGES])
async def test_every_status_has_its_error(code: int, method: str, server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = refusing(code, message="the reason")
    with pytest.raises(KubeError) as raised:
        await kube.send(Call(method, PATH, body={}), timeout=ENOUGH)
    assert (type(raised.value), raised.value.status) == (REFUSALS[code], code)
    assert str(raised.value) == f"{method} {PATH}: HTTP {code}: the reason"
    assert len(server.requests) == 1


def test_no_status_is_without_an_error_and_a_word_for_a_metric() -> None:
    found = {errors.from_status(code, "", "why").reason for code in range(300, 600)}
    assert found == {"invalid", "unauthorized", "forbidden", "not_found", "conflict", "unavailable"}
    assert {*errors.REASONS} == found | {"already_exists", "unreachable", "timeout", "malformed"}


async def test_a_create_that_came_second_is_told_from_other_conflicts(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = refusing(409, "AlreadyExists")
    with pytest.raises(errors.AlreadyExists):
        await kube.send(Call("POST", PATH, body={}), timeout=ENOUGH)


@pytest.mark.parametrize("body", ["", "<html>Bad Gateway</html>", "[]", "null", '{"message": 7}', "[" * 100_000])
async def test_a_refusal_without_a_status_object_is_still_a_refusal(body: str, server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying(body, code=502)
    with pytest.raises(errors.Unavailable, match=f"^GET {PATH}: HTTP 502: .+"):
        await kube.get(PATH, timeout=ENOUGH)


# Answers that are none


@pytest.mark.parametrize("body", ["", "<html>Log in</html>", '{"items": [', "[]", "7", "null", "[" * 100_000])
async def test_an_answer_that_is_not_an_object_is_nonsense(body: str, server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying(body)
    what = "an HTML page" if "html" in body else "something"
    with pytest.raises(MalformedResponse, match=f"answered with {what} that is not a JSON object"):
        await kube.get(PATH, timeout=ENOUGH)


async def raw(answer: bytes, tmp_path: Path) -> str:
    """The message of the error that an answer of these bytes raises."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with listening(converse) as port, connected(f"http://127.0.0.1:{port}", tmp_path) as kube:
        with pytest.raises(Unreachable) as raised:
            await kube.get(PATH, timeout=ENOUGH)
    return str(raised.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "it closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\n", "it closed the connection without an answer"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"items"', "its answer ended half-way"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "what it answers is not HTTP"),
    ],
    ids=["nothing", "half a header", "half a body", "another protocol"],
)
async def test_half_an_answer_is_none(answer: bytes, why: str, tmp_path: Path) -> None:
    said = re.sub(r":\d+ ", ":PORT ", await raw(answer, tmp_path))
    assert said == f"GET {PATH}: http://127.0.0.1:PORT can't be reached: {why}."


async def test_a_server_that_hangs_is_unreachable_after_the_timeout(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = hanging
    with pytest.raises(Unreachable, match=r"no answer from http://127.0.0.1:\d+ within 0.2 s"):
        async with asyncio.timeout(HANG_GUARD):
            await kube.get(PATH, timeout=SHORT)


async def test_an_answer_that_never_ends_is_unreachable_after_the_timeout(server: ApiServer, kube: Kube) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    server.answers[PATH] = drip
    with pytest.raises(Unreachable):
        await kube.get(PATH, timeout=SHORT)


async def test_a_request_can_be_cancelled(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = hanging
    request = asyncio.create_task(kube.get(PATH, timeout=ENOUGH))
    await until(lambda: server.requests)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


# Nothing is sent twice


class DyingConnections:
    """Answers the first request of a connection, then closes it in the middle of the second: a dead kept connection."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        await self._request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await self._request(reader)
        writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[0])
        length = next((line for line in head.splitlines() if line.lower().startswith("content-length")), ":0")
        await reader.readexactly(int(length.split(":")[1]))


@pytest.mark.parametrize("method", CHANGES)
async def test_a_change_is_never_sent_twice_when_a_kept_connection_is_dead(method: str, tmp_path: Path) -> None:
    dying = DyingConnections()
    async with listening(dying.converse) as port, connected(f"http://127.0.0.1:{port}", tmp_path) as kube:
        await kube.get(PATH, timeout=ENOUGH)
        with pytest.raises(Unreachable):
            await kube.send(Call(method, PATH, body={}), timeout=ENOUGH)
    assert dying.asked == ["GET", method]


async def test_a_read_is_sent_again_when_a_kept_connection_is_dead(tmp_path: Path) -> None:
    dying = DyingConnections()
    async with listening(dying.converse) as port, connected(f"http://127.0.0.1:{port}", tmp_path) as kube:
        await kube.get(PATH, timeout=ENOUGH)
        assert (await kube.get(PATH, timeout=ENOUGH)).body == {}
    assert dying.asked == ["GET", "GET", "GET"]


@pytest.mark.parametrize("code", [429, 500, 503])
@pytest.mark.parametrize("method", ["GET", *CHANGES])
async def test_nothing_is_repeated_because_the_server_says_later(
    code: int, method: str, server: ApiServer, kube: Kube
) -> None:
    server.answers[PATH] = answering({}, code, **{"Retry-After": "0"})
    with pytest.raises(errors.Unavailable):
        await kube.send(Call(method, PATH, body={}), timeout=ENOUGH)
    assert len(server.requests) == 1
