"""A probe ends in time, whatever happens, and leaves nothing behind."""

import asyncio
import gc
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.probe import Prober
from tests.diego import listeners
from tests.diego.asking import ENOUGH, SHORT, ask
from tests.diego.listeners import (
    PONG,
    Certificates,
    answering,
    answering_then_silent,
    endless,
    environment,
    hanging_up,
    listening,
    silent,
)
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import free_port


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a list of numbers, not of paths


@pytest.mark.parametrize("conversation", [silent, endless, answering_then_silent(b"HTTP/1.1 200 OK\r\n")])
async def test_a_probe_never_outlives_its_deadline(conversation: listeners.Conversation, certs: Certificates) -> None:
    async with listening(conversation, certs.server()) as port, asyncio.timeout(HANG_GUARD):
        await ask(port, certs, SHORT)


@pytest.mark.parametrize("timeout", [0.0, 1e-9])
async def test_a_probe_without_time_ends_at_once(timeout: float, certs: Certificates) -> None:
    with listeners.black_hole() as port:
        assert (await ask(port, certs, timeout)).reply is not Reply.OK


async def test_a_thousand_probes_leave_no_descriptor(certs: Certificates) -> None:
    context = certs.server()
    async with (
        listening(answering(PONG), context) as good,
        listening(hanging_up) as closing,
        listening(hanging_up, context) as rude,
        listening(silent) as mute,
    ):
        ports = [(good, ENOUGH), (closing, ENOUGH), (rude, ENOUGH), (mute, 0.01), (free_port(), ENOUGH)]
        probers = [(Prober(environment(port, certs.client)), timeout) for port, timeout in ports]
        await asyncio.gather(*(prober.ask("127.0.0.1", timeout) for prober, timeout in probers))
        before = descriptors()
        for _ in range(20):
            await asyncio.gather(*(prober.ask("127.0.0.1", timeout) for prober, timeout in probers * 10))
        await settled(before)


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.01])
async def test_a_cancelled_probe_leaves_no_descriptor(after: float, certs: Certificates) -> None:
    async with listening(silent, certs.server()) as port:
        prober = Prober(environment(port, certs.client))
        before = descriptors()
        for _ in range(20):
            probe = asyncio.create_task(prober.ask("127.0.0.1", ENOUGH))
            await asyncio.sleep(after)
            probe.cancel()
            with pytest.raises(asyncio.CancelledError):
                await probe
        await settled(before)


async def settled(expected: int) -> None:
    """Wait for the listener's side of the connections to go as well."""
    async with asyncio.timeout(HANG_GUARD):
        while descriptors() > expected:  # noqa: ASYNC110 -- the kernel's list has no event
            await asyncio.sleep(0.01)


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_running_out_of_descriptors_is_our_fault_and_not_the_bbss(host: str) -> None:
    prober = Prober(environment(1))
    with no_descriptors_left():
        found = await prober.ask(host, ENOUGH)
    assert found == Unknown("We can't open a connection: Too many open files.")


async def test_a_resolver_that_knows_no_name_for_want_of_descriptors_is_our_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    prober = Prober(environment(1))
    assert isinstance(await prober.ask("localhost", ENOUGH), Probe)
    with no_descriptors_left():
        found = await prober.ask("localhost", ENOUGH)
    assert found == Unknown("We can't open a connection: Too many open files.")


@given(st.text(max_size=80))
async def test_a_probe_never_raises_whatever_the_host_is_called(host: str) -> None:
    assert isinstance(await Prober(environment(9)).ask(host, 0.05), Probe | Unknown)
