import asyncio
import os
import socket

import aiohttp
import pytest
from aiohttp import web

from stagekeeper.config.errors import StartError
from stagekeeper.service.address import ListenAddress, parse_listen_address
from stagekeeper.service.listen import serving
from tests.service.kit import hello
from tests.testbed.patience import HANG_GUARD


async def test_it_serves_on_every_address_it_was_given(client: aiohttp.ClientSession) -> None:
    addresses = [parse_listen_address("127.0.0.1:0"), parse_listen_address("localhost:0")]
    async with serving(hello(), addresses) as listening:
        assert len(listening.urls) >= 2
        for url in listening.urls:
            async with client.get(url) as response:
                assert await response.text() == "hello"


async def test_a_port_in_use_is_one_sentence_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as raised:
            async with serving(hello(), [ListenAddress("127.0.0.1", port)]):
                pass
    assert str(raised.value) == (
        f"Can't listen on 127.0.0.1:{port}: the port is in use; stop the program that has it, "
        "or choose another one with --web.listen-address."
    )


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("203.0.113.1", "no interface of this machine has that address"),
        ("no-such-host.invalid", "the host name 'no-such-host.invalid' can't be resolved"),
    ],
)
async def test_a_host_that_cannot_be_listened_on_is_one_sentence(host: str, reason: str) -> None:
    with pytest.raises(StartError, match=f"Can't listen on {host}:1234: {reason}"):
        async with serving(hello(), [ListenAddress(host, 1234)]):
            pass


async def test_when_the_second_address_cannot_be_had_the_first_is_given_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = unused_port()
        addresses = [ListenAddress("127.0.0.1", free), ListenAddress("127.0.0.1", taken.getsockname()[1])]
        with pytest.raises(StartError):
            async with serving(hello(), addresses):
                pass
    with socket.create_server(("127.0.0.1", free)):
        pass


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.skipif(
    os.geteuid() != 0 and not hasattr(os, "setresuid"), reason="the test takes root's rights away for a moment"
)
async def test_a_privileged_port_is_one_sentence_that_names_the_first_free_one() -> None:
    """Port 1 is below ip_unprivileged_port_start; bind is made to refuse as it does without the capability."""
    with pytest.raises(StartError) as raised:
        async with without_root(), serving(hello(), [ListenAddress("127.0.0.1", 1)]):
            pass
    assert str(raised.value) == (
        "Can't listen on 127.0.0.1:1: permission denied; choose a port from 1024 on with --web.listen-address."
    )


class without_root:  # noqa: N801 - reads as a phrase
    """Act as nobody, for tests that run as root."""

    async def __aenter__(self) -> None:
        self._user = os.geteuid()
        if self._user == 0:
            os.seteuid(65534)

    async def __aexit__(self, *_: object) -> None:
        os.seteuid(self._user)


async def test_a_request_in_flight_is_finished_and_new_connections_are_refused() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await release.wait()
        return web.Response(text="finished")

    app = web.Application()
    app.router.add_get("/", slow)
    stop = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def program() -> None:
        async with serving(app, [ListenAddress("127.0.0.1", 0)], grace=20) as listening:
            ready.set_result(listening.urls[0])
            await stop.wait()

    async with asyncio.timeout(HANG_GUARD), asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as client:
        tasks.create_task(program())
        url = await ready
        request = tasks.create_task(fetch(client, url))
        await entered.wait()
        stop.set()
        await refusal_of(url)
        release.set()
        assert await request == "finished"


async def fetch(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(url) as response:
        return await response.text()


async def refusal_of(url: str) -> None:
    """Return once nobody listens any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        except ConnectionError:  # refused, or reset by the listener that closes
            return
        writer.close()
        await asyncio.sleep(0.005)


async def test_a_request_that_outlasts_the_grace_is_given_up() -> None:
    entered = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        entered.set()
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", hang)
    async with asyncio.timeout(HANG_GUARD), aiohttp.ClientSession() as client:
        async with serving(app, [ListenAddress("127.0.0.1", 0)], grace=0.1) as listening:
            request = asyncio.create_task(fetch(client, listening.urls[0]))
            await entered.wait()
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_idle_keep_alive_connections_do_not_hold_up_the_stop() -> None:
    address = ListenAddress("127.0.0.1", 0)
    async with (
        asyncio.timeout(HANG_GUARD),
        aiohttp.ClientSession() as client,
        serving(hello(), [address], grace=2 * HANG_GUARD) as listening,
    ):
        await fetch(client, listening.urls[0])
