"""A listener that is closed leaves no connection, at whatever moment of its accepting it is closed."""

import asyncio
import socket

import pytest

from simulator.listener import Listener, accept_and_wait
from tests.simulator.kit import complaints
from tests.testbed.process import free_port


async def close_after(steps: int) -> None:
    """Connect to a listener, let the event loop do so many steps, and close it."""
    port = free_port("127.0.0.1")
    listener = await Listener.open("127.0.0.1", port, accept_and_wait)
    with socket.create_connection(("127.0.0.1", port)):
        for _ in range(steps):
            await asyncio.sleep(0)
        await listener.close()


@pytest.mark.parametrize("steps", range(8))
def test_a_listener_that_is_closed_while_it_accepts_leaves_no_connection(steps: int) -> None:
    assert complaints(close_after(steps)) == []
