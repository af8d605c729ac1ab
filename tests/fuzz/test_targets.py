"""The same targets under Hypothesis, for a few seconds of every run."""

import asyncio
import socket

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stagekeeper.diego.observation import Reply
from tests.fuzz.shaping import Bytes, shaped
from tests.fuzz.targets import TARGETS, said
from tests.fuzz.templates import KUBERNETES, WORDS
from tests.testbed.patience import HANG_GUARD

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = st.binary(max_size=60)


@pytest.mark.parametrize("target", TARGETS)
def test_no_bytes_break_a_target(target: str) -> None:
    @QUICK
    @given(data=st.one_of(SHAPES, SHAPES.map(lambda shape: b"!" + shape)))
    def holds(data: bytes) -> None:
        TARGETS[target](data)

    holds()


HTTP = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 503 \r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"Content-Length: 2\r\n",
            b"Content-Length: 99\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"\r\n",
            b"\x08\x01",
            b"2\r\n\x08\x01\r\n0\r\n\r\n",
        ]
    )
    | st.binary(max_size=20),
    max_size=8,
)


@QUICK
@given(parts=HTTP)
@example(parts=[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"\x08\x01"])
def test_what_a_socket_says_in_any_pieces_is_a_reply(parts: list[bytes]) -> None:
    """The same bytes in one piece or in many mean the same."""
    assert asyncio.run(_said(parts)) == asyncio.run(_said([b"".join(parts)]))


async def _said(parts: list[bytes]) -> Reply:
    """What the probe makes of a peer that sends these pieces and hangs up."""
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        asking = asyncio.create_task(said(reader, writer))
        for part in parts:
            theirs.sendall(part)
            await asyncio.sleep(0)
        theirs.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(HANG_GUARD):
                return (await asking)[0]
        finally:
            writer.close()
            await writer.wait_closed()


@given(data=SHAPES)
def test_the_same_bytes_always_shape_the_same_object(data: bytes) -> None:
    assert repr(shaped(KUBERNETES, data, WORDS)) == repr(shaped(KUBERNETES, data, WORDS))


def test_no_bytes_leave_the_template_as_it_is() -> None:
    assert shaped(KUBERNETES, b"", WORDS) == KUBERNETES
    assert not Bytes(b"").left
