"""The actors' client against an API server that takes a request and never says anything again, not even goodbye."""

import asyncio
import contextlib
import gc
import ssl
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

from stagekeeper.simulator.api_client import ApiAccess, ApiClient
from stagekeeper.simulator.certificates import make_certificates

HANG_GUARD = 30.0


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


async def cancel_a_request(access: ApiAccess, asked: threading.Event) -> None:
    """Cancel an actor while it waits for its answer."""
    async with ApiClient(access) as api:
        actor = asyncio.create_task(api.send("GET", "/api"))
        assert await asyncio.to_thread(asked.wait, HANG_GUARD)
        actor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await actor


def test_a_request_that_was_cancelled_leaves_no_connection_behind(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path, "unused", ("diego-api",), "127.0.0.1")
    with warnings.catch_warnings(record=True) as told, silent_server(certificates.api_context()) as (url, asked):
        warnings.simplefilter("always")
        asyncio.run(cancel_a_request(ApiAccess(url, "token", certificates.api_ca), asked))
        gc.collect()
    assert [str(each.message) for each in told] == []
