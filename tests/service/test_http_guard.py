import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from stagekeeper.service.connections import Limits
from stagekeeper.service.http_guard import unproven
from tests.service.kit import Serve, hello
from tests.testbed.patience import HANG_GUARD, until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
NEVER = 1000.0


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Streams]:
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Send a byte every 20 ms, until the other side has had enough."""
    with contextlib.suppress(ConnectionError):
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


async def is_closed_while(reader: asyncio.StreamReader, sending: asyncio.Task[None] | None = None) -> bool:
    """Whether the server ends the connection without an answer, and before `sending` is through."""
    try:
        async with asyncio.timeout(HANG_GUARD):
            answer = await reader.read(100)
    except ConnectionError:
        answer = b""
    return answer == b"" and not (sending and sending.done())


async def test_a_caller_that_drips_its_headers_is_cut_off_after_the_header_time(serve: Serve) -> None:
    """Each byte comes well within the time: only a limit on all of the headers ends this."""
    url = await serve(hello(), limits=Limits(header_seconds=0.3, keepalive_seconds=NEVER))
    async with connected(url) as (reader, writer):
        dripping = asyncio.create_task(drip(writer, b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 4000))
        assert await is_closed_while(reader, dripping)
        dripping.cancel()


async def test_a_caller_that_drips_its_second_request_is_cut_off_too(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(header_seconds=0.3, keepalive_seconds=NEVER))
    async with connected(url) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        dripping = asyncio.create_task(drip(writer, b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 4000))
        assert await is_closed_while(reader, dripping)
        dripping.cancel()


async def test_a_connection_on_which_nothing_is_sent_is_closed_after_the_header_time(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(header_seconds=0.05, keepalive_seconds=NEVER))
    async with connected(url) as (reader, _):
        assert await is_closed_while(reader)


async def test_an_idle_connection_lives_for_the_keep_alive_time_not_the_header_time(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(header_seconds=0.1, keepalive_seconds=NEVER))
    async with connected(url) as (reader, writer):
        for pause in (0.3, 0.0):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(pause)


async def test_an_idle_connection_is_closed_after_the_keep_alive_time(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(keepalive_seconds=0.1))
    async with connected(url) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello")
        assert await is_closed_while(reader)


async def test_requests_that_are_slow_but_within_their_time_are_answered(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    """The time for headers must not go on running while a request is worked on."""

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(1.5)
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", slow)
    url = await serve(app, limits=Limits(header_seconds=1))
    for _ in range(2):
        async with client.get(url) as response:
            assert await response.text() == "done"


async def test_a_caller_that_drips_its_body_is_cut_off_after_the_request_time(serve: Serve) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    url = await serve(app, limits=Limits(request_seconds=0.3))
    async with connected(url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer, b"a" * 4000))
        assert await is_closed_while(reader, dripping)
        dripping.cancel()


async def test_a_handler_that_hangs_is_cancelled_after_the_request_time_and_logged(serve: Serve) -> None:
    cancelled: list[bool] = []

    async def hang(_request: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return web.Response()

    app = web.Application()
    app.router.add_get("/", hang)
    url = await serve(app, limits=Limits(request_seconds=0.05))
    with capture_logs() as logs:
        async with connected(url) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await is_closed_while(reader)
        await until(lambda: cancelled)
    assert [line["event"] for line in logs] == ["A request took too long and was given up."]


async def test_a_caller_that_does_not_read_its_answer_is_cut_off_after_the_request_time(serve: Serve) -> None:
    ended: list[bool] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"a" * 65536)
        finally:
            ended.append(True)

    app = web.Application()
    app.router.add_get("/", stream)
    url = await serve(app, limits=Limits(request_seconds=0.3))
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: ended)


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_where_there_is_no_room_the_connection_idle_for_longest_gives_way(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(connections=2, keepalive_seconds=NEVER))
    async with connected(url) as (oldest, ask), connected(url) as (second, ask_too):
        for reader, writer in ((oldest, ask), (second, ask_too)):
            writer.write(GET)
            await reader.readuntil(b"hello")
        async with connected(url) as (third, writer):
            writer.write(GET)
            assert await third.readuntil(b"hello")
        assert await is_closed_while(oldest)
        ask_too.write(GET)
        assert await second.readuntil(b"hello")


async def test_where_all_are_at_work_health_is_answered_and_nothing_else(serve: Serve) -> None:
    entered = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        entered.set()
        await asyncio.Event().wait()
        return web.Response()

    async def healthy(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hang)
    app.router.add_get("/-/healthy", healthy)
    url = await serve(app, limits=Limits(connections=1))
    async with connected(url) as (_, writer):
        writer.write(GET)
        await asyncio.wait_for(entered.wait(), 20)
        for question, status in ((HEALTH, b"200"), (GET, b"503"), (HEALTH, b"200")):
            async with connected(url) as (reader, asking):
                asking.write(question)
                answer = await reader.read()  # to the end: such a connection has one question
                assert answer.split()[1] == status


async def test_a_request_that_waits_to_be_known_gives_way_and_is_cancelled(serve: Serve) -> None:
    waiting: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/known":
            return web.Response(text="hello")
        with unproven(request):
            waiting.append("waits")
            try:
                await asyncio.Event().wait()
            finally:
                waiting.clear()
        return web.Response()

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    url = await serve(app, limits=Limits(connections=1))
    async with connected(url) as (unknown, writer):
        writer.write(GET)
        await until(lambda: waiting)
        async with connected(url) as (known, asking):
            asking.write(b"GET /known HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await known.readuntil(b"hello")
        assert await is_closed_while(unknown)
    assert waiting == []


async def test_whoever_waits_to_be_known_and_hangs_up_is_forgotten(serve: Serve) -> None:
    waiting: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        with unproven(request):
            waiting.append("waits")
            try:
                await asyncio.Event().wait()
            finally:
                waiting.clear()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handle)
    async with connected(await serve(app)) as (_, writer):
        writer.write(GET)
        await until(lambda: waiting)
    await until(lambda: not waiting)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/0.9\r\n\r\n", b"505"),
        (b"GET /\r\n\r\n", b"505"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
    ],
)
async def test_only_http_1_is_spoken_and_1_1_with_a_host(serve: Serve, head: bytes, status: bytes) -> None:
    async with connected(await serve(hello())) as (reader, writer):
        writer.write(head)
        assert (await reader.read()).split()[1] == status


async def test_a_body_that_is_not_what_it_says_leaves_no_traceback_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody reads it here, so that it is aiohttp that stumbles over it."""
    url = await serve(hello())
    for header, body in ((b"Transfer-Encoding: chunked", b"no number\r\n"), (b"Content-Length: 9", b"short")):
        async with connected(url) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
            await reader.readuntil(b"hello")
            writer.write(body)
            if header.startswith(b"Content-Length"):
                writer.write_eof()
            await reader.read()
    assert caplog.records == []


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="a line too long"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", id="a header too long"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100 + b"\r\n", id="too many headers"),
    ],
)
async def test_a_bad_request_is_answered_400_and_leaves_no_traceback_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture, request_head: bytes
) -> None:
    url = await serve(hello())
    async with connected(url) as (reader, writer):
        writer.write(request_head)
        assert (await reader.read()).split()[1] == b"400"
    assert caplog.records == []


async def test_a_fault_in_a_handler_is_answered_500_and_logged_once_a_minute(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("a fault")

    app = web.Application()
    app.router.add_get("/", fail)
    url = await serve(app)
    with capture_logs() as logs:
        for _ in range(3):  # whoever finds a fault could fill the log with its traceback
            async with client.get(url) as response:
                assert response.status == 500
                assert "a fault" not in await response.text()
    assert [(each["log_level"], str(each["exc_info"]), each["times"]) for each in logs] == [("error", "a fault", 1)]


async def test_whoever_does_not_read_his_answer_gives_way(serve: Serve, client: aiohttp.ClientSession) -> None:
    async def much(_request: web.Request) -> web.Response:
        return web.Response(body=bytes(32 * 2**20))

    app = web.Application()
    app.router.add_get("/", much)
    url = await serve(app, limits=Limits(connections=2, per_caller=2, health_only=1))
    async with connected(url) as (first, writer), connected(url) as (second, other):
        for reader, each in ((first, writer), (second, other)):
            each.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        async with client.get(url) as response:
            assert response.status == 200


async def test_pipelined_requests_are_all_answered(serve: Serve) -> None:
    url = await serve(hello(), limits=Limits(header_seconds=0.2))
    async with connected(url) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        for _ in range(3):
            await asyncio.wait_for(reader.readuntil(b"hello"), 20)
