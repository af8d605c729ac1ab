"""The actors' client against an API server that takes a request and never says anything again, not even goodbye."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest

from simulator.api_client import ApiAccess, ApiClient
from simulator.certificates import Certificates, make_certificates
from tests.simulator.kit import complaints
from tests.testbed.patience import HANG_GUARD


@contextlib.contextmanager
def silent_server(context: ssl.SSLContext) -> Iterator[tuple[str, threading.Event]]:
    """Serve one connection and read one request from it; gives the URL and an event that tells of the request."""
    asked, over = threading.Event(), threading.Event()
    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(HANG_GUARD)

        def serve() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(65536)
                asked.set()
                over.wait(HANG_GUARD)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            over.set()
            thread.join()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path, "unused", ("diego-api",), "127.0.0.1")


def test_a_request_that_was_cancelled_leaves_no_connection(certificates: Certificates) -> None:
    with silent_server(certificates.api_context()) as (url, asked):

        async def run() -> None:
            async with ApiClient(ApiAccess(url, "token", certificates.api_ca)) as api:
                actor = asyncio.create_task(api.send("GET", "/api"))
                assert await asyncio.to_thread(asked.wait, HANG_GUARD)
                actor.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await actor

        assert complaints(run()) == []


def test_a_request_that_was_cancelled_at_once_is_not_complained_of(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with ApiClient(ApiAccess("https://127.0.0.1:1", "token", certificates.api_ca)) as api:
            actor = asyncio.create_task(api.send("GET", "/api"))
            await asyncio.sleep(0)
            actor.cancel()
            await asyncio.wait([actor])
            await asyncio.wait(api._requests)

    assert complaints(run()) == []
    assert caplog.messages == []
