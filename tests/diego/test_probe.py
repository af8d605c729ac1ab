"""The probe against listeners that do each wrong there is, and one that is right."""

import asyncio
import datetime as dt
import gc
import os
import resource
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.probe import LARGEST_ANSWER, Prober
from stagekeeper.diego.profiles import TlsFiles
from tests.diego import listeners
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

ENOUGH = 5.0
"""Seconds for a probe that is expected to end by itself."""
SHORT = 0.25
"""Seconds for a probe that is expected to be cut off."""


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return listeners.certificates(tmp_path_factory.mktemp("certificates"))


async def ask(port: int, certs: Certificates, timeout: float = ENOUGH, host: str = "127.0.0.1") -> Probe:
    found = await Prober(environment(port, certs.client)).ask(host, timeout)
    assert isinstance(found, Probe)
    return found


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a list of numbers, not of paths


# A BBS as it should be


async def test_a_bbs_that_answers_its_ping_is_ok(certs: Certificates) -> None:
    async with listening(answering(PONG), certs.server()) as port:
        found = await ask(port, certs)
    assert (found.reply, found.address) == (Reply.OK, "127.0.0.1")


async def test_a_bbs_that_keeps_the_connection_open_is_ok(certs: Certificates) -> None:
    async with listening(answering_then_silent(PONG), certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.OK


async def test_the_probe_asks_as_a_client_of_the_bbs_does(certs: Certificates) -> None:
    asked: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(PONG)
        await writer.drain()

    async with listening(converse, certs.server()) as port:
        await ask(port, certs)
    assert asked[0].startswith(b"POST /v1/ping HTTP/1.1\r\n")
    assert b"content-length: 0" in asked[0].lower()


async def test_every_phase_is_timed(certs: Certificates) -> None:
    async with listening(answering(PONG), certs.server()) as port:
        found = await ask(port, certs)
    assert list(found.phases) == ["dns", "connect", "tls", "request"]
    assert all(0 <= seconds < ENOUGH for seconds in found.phases.values())


async def test_only_the_phases_that_were_reached_are_timed(certs: Certificates) -> None:
    assert list((await ask(listeners.free_port(), certs)).phases) == ["dns", "connect"]


async def test_the_end_of_the_servers_certificate_is_reported(certs: Certificates) -> None:
    ends = dt.datetime(2049, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    async with listening(answering(PONG), certs.server(ends=ends)) as port:
        assert (await ask(port, certs)).certificate_ends == ends


async def test_an_answer_in_small_pieces_is_read_whole(certs: Certificates) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in PONG:
            writer.write(bytes([byte]))
            await writer.drain()

    async with listening(drip, certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.OK


async def test_a_chunked_answer_is_an_answer(certs: Certificates) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x08\r\n1\r\n\x01\r\n0\r\n\r\n"
    async with listening(answering(chunked), certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.OK


# Nobody there


async def test_a_port_without_a_listener_refuses(certs: Certificates) -> None:
    assert (await ask(listeners.free_port(), certs)).reply is Reply.REFUSED


async def test_a_black_hole_is_a_timeout(certs: Certificates) -> None:
    with listeners.black_hole() as port:
        found = await ask(port, certs, SHORT)
    assert (found.reply, found.detail) == (Reply.TIMEOUT, "no answer within 0.25 s (connect)")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64, "with space", "\0", "[::1]"])
async def test_a_name_that_does_not_resolve_is_dns(host: str, certs: Certificates) -> None:
    assert (await ask(1, certs, host=host)).reply is Reply.DNS


async def test_a_slow_resolver_is_dns(certs: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    found = await ask(1, certs, SHORT, host="diego-api.cf.svc.cluster.local")
    assert (found.reply, found.detail) == (Reply.DNS, "no answer within 0.25 s (dns)")


# TLS goes wrong


async def test_a_listener_that_closes_at_once_is_tls(certs: Certificates) -> None:
    async with listening(hanging_up) as port:
        assert (await ask(port, certs)).reply is Reply.TLS


async def test_a_listener_that_speaks_no_tls_is_tls(certs: Certificates) -> None:
    async def garble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()

    async with listening(garble) as port:
        assert (await ask(port, certs)).reply is Reply.TLS


async def test_a_certificate_of_another_name_is_tls_and_says_so(certs: Certificates) -> None:
    async with listening(answering(PONG), certs.server(name="locket")) as port:
        found = await ask(port, certs)
    assert found.reply is Reply.TLS
    assert "diego-api" in found.detail


async def test_a_certificate_of_another_ca_is_tls(certs: Certificates, tmp_path: Path) -> None:
    stranger = listeners.certificates(tmp_path)
    async with listening(answering(PONG), stranger.server()) as port:
        found = await ask(port, certs)
    assert found.reply is Reply.TLS
    assert "self" in found.detail or "issuer" in found.detail


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_an_expired_certificate_is_tls_with_the_date_it_ended(
    version: ssl.TLSVersion, certs: Certificates
) -> None:
    ended = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    context = certs.server(ends=ended)
    context.maximum_version = version
    async with listening(answering(PONG), context) as port:
        found = await ask(port, certs)
    assert (found.reply, found.detail) == (Reply.TLS, "certificate has expired")
    assert found.certificate_ends == ended


async def test_a_verdict_stands_when_the_date_can_not_be_found_in_time(certs: Certificates) -> None:
    """The second handshake, which only asks for the date, meets silence."""
    context = certs.server(ends=dt.datetime(2025, 1, 2, tzinfo=dt.UTC))
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await writer.start_tls(context)
        await reader.read()

    async with listening(once) as port:
        found = await ask(port, certs, 1.0)
    assert (found.reply, found.detail, found.certificate_ends) == (Reply.TLS, "certificate has expired", None)
    assert connections == 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_not_accepted_is_tls(
    version: ssl.TLSVersion, certs: Certificates, tmp_path: Path
) -> None:
    """Under TLS 1.3 the handshake seems to succeed, and the alert comes with the first read."""
    stranger = listeners.certificates(tmp_path)
    files = TlsFiles(certs.client.ca_file, stranger.client.cert_file, stranger.client.key_file)
    context = certs.server()
    context.maximum_version = version
    with listeners.refusing_our_certificate(context) as port:
        for _ in range(50):  # the alert races with our request
            found = await Prober(environment(port, files)).ask("127.0.0.1", ENOUGH)
            assert isinstance(found, Probe)
            assert (found.reply, found.detail) == (Reply.TLS, "TLSV1_ALERT_UNKNOWN_CA")


async def test_a_listener_of_tls_1_1_only_is_tls(certs: Certificates) -> None:
    context = certs.server()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listening(answering(PONG), context) as port:
        assert (await ask(port, certs)).reply is Reply.TLS


# Accepted, and then


async def test_silence_after_the_accept_is_no_reply(certs: Certificates) -> None:
    async with listening(silent) as port:
        found = await ask(port, certs, SHORT)
    assert (found.reply, found.detail) == (Reply.NO_REPLY, "no answer within 0.25 s (tls)")


async def test_silence_after_the_handshake_is_no_reply(certs: Certificates) -> None:
    async with listening(silent, certs.server()) as port:
        found = await ask(port, certs, SHORT)
    assert (found.reply, found.detail) == (Reply.NO_REPLY, "no answer within 0.25 s (request)")
    assert found.certificate_ends is not None


async def test_silence_in_the_middle_of_an_answer_is_no_reply(certs: Certificates) -> None:
    async with listening(answering_then_silent(PONG[:-1]), certs.server()) as port:
        assert (await ask(port, certs, SHORT)).reply is Reply.NO_REPLY


async def test_half_an_answer_is_a_bad_reply(certs: Certificates) -> None:
    for end in (1, 20, len(PONG) - 1):
        async with listening(answering(PONG[:end]), certs.server()) as port:
            assert (await ask(port, certs)).reply is Reply.BAD_REPLY


async def test_hanging_up_after_the_handshake_is_a_bad_reply(certs: Certificates) -> None:
    async with listening(hanging_up, certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.BAD_REPLY


async def test_an_endless_answer_is_a_bad_reply(certs: Certificates) -> None:
    async with listening(endless, certs.server()) as port:
        found = await ask(port, certs)
    assert (found.reply, found.detail) == (Reply.BAD_REPLY, f"an answer of more than {LARGEST_ANSWER} bytes")


async def test_a_503_with_an_empty_body_is_unavailable(certs: Certificates) -> None:
    answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    async with listening(answering(answer), certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.UNAVAILABLE


BAD_ANSWERS = {
    "503 with a body": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    "200 with other bytes": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\x08\x00",
    "200 with more bytes": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\x08\x01\x01",
    "200 with no bytes": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n\x08\x01",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2 only": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80",
    "garbage": b"\x00\xff\x00\xff garbage \r\n\r\n",
    "HTTP/0.9": b"\x08\x01",
    "huge headers": b"HTTP/1.1 200 OK\r\nX-Much: " + b"x" * 40_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 10_000 + b"\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n\x08\x01",
    "a chunk of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "100 for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000,
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
async def test_anything_else_is_a_bad_reply(what: str, certs: Certificates) -> None:
    async with listening(answering(BAD_ANSWERS[what]), certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.BAD_REPLY


# TCP only, addresses


async def test_without_certificates_an_accept_is_ok() -> None:
    async with listening(silent) as port:
        found = await Prober(environment(port)).ask("127.0.0.1", ENOUGH)
    assert isinstance(found, Probe)
    assert (found.reply, found.detail, list(found.phases)) == (Reply.OK, "accepts TCP", ["dns", "connect"])


async def test_a_bbs_on_ipv6_is_asked_there(certs: Certificates) -> None:
    async with listening(answering(PONG), certs.server(), host="::1") as port:
        found = await ask(port, certs, host="::1")
    assert (found.reply, found.address) == (Reply.OK, "::1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_name_of_two_families_leads_to_the_one_that_listens(
    host: str, certs: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(answering(PONG), certs.server(), host=host) as port:
        both = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        found = await ask(port, certs, host="diego-api.cf.svc.cluster.local")
    assert (found.reply, found.address) == (Reply.OK, host)


async def test_a_name_of_two_families_of_which_both_refuse_is_refused(
    certs: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listeners.free_port()
    both = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert (await ask(port, certs, host="diego-api.cf.svc.cluster.local")).reply is Reply.REFUSED


# The certificate rotates


async def test_a_client_certificate_that_is_rotated_is_used_for_the_next_probe(tmp_path: Path) -> None:
    new, old = listeners.certificates(tmp_path / "new"), listeners.certificates(tmp_path / "old")
    async with listening(answering(PONG), new.server()) as port:
        prober = Prober(environment(port, old.client))
        before = await prober.ask("127.0.0.1", ENOUGH)
        for name in ("ca.crt", "tls.crt", "tls.key"):
            shutil.copyfile(tmp_path / "new" / name, tmp_path / "old" / name)
        after = await prober.ask("127.0.0.1", ENOUGH)
    assert isinstance(before, Probe)
    assert isinstance(after, Probe)
    assert (before.reply, after.reply) == (Reply.TLS, Reply.OK)


async def test_a_secret_that_kubernetes_swaps_by_symbolic_link_is_read_again(tmp_path: Path) -> None:
    new, _ = (listeners.certificates(tmp_path / version) for version in ("..2026_11_23", "..2026_11_22"))
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "..data").symlink_to(tmp_path / "..2026_11_22")
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (mount / name).symlink_to(Path("..data") / name)
    files = TlsFiles(mount / "ca.crt", mount / "tls.crt", mount / "tls.key")
    async with listening(answering(PONG), new.server()) as port:
        prober = Prober(environment(port, files))
        before = await prober.ask("127.0.0.1", ENOUGH)
        (mount / "..data_tmp").symlink_to(tmp_path / "..2026_11_23")
        (mount / "..data_tmp").rename(mount / "..data")
        after = await prober.ask("127.0.0.1", ENOUGH)
    assert isinstance(before, Probe)
    assert isinstance(after, Probe)
    assert (before.reply, after.reply) == (Reply.TLS, Reply.OK)


async def test_client_files_that_are_missing_make_the_result_unknown(tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "ca.crt", tmp_path / "tls.crt", tmp_path / "tls.key")
    found = await Prober(environment(1, files)).ask("127.0.0.1", ENOUGH)
    assert isinstance(found, Unknown)
    assert str(tmp_path / "ca.crt") in found.reason


# It ends, and leaves nothing


@pytest.mark.parametrize("conversation", [silent, endless, answering_then_silent(b"HTTP/1.1 200 OK\r\n")])
async def test_a_probe_never_outlives_its_deadline(conversation: listeners.Conversation, certs: Certificates) -> None:
    loop = asyncio.get_running_loop()
    async with listening(conversation, certs.server()) as port:
        began = loop.time()
        await ask(port, certs, SHORT)
        assert loop.time() - began < SHORT + 0.5


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
        ports = [(good, ENOUGH), (closing, ENOUGH), (rude, ENOUGH), (mute, 0.01), (listeners.free_port(), ENOUGH)]
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
    async with asyncio.timeout(10):
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


@given(st.text(max_size=80))
async def test_a_probe_never_raises_whatever_the_host_is_called(host: str) -> None:
    assert isinstance(await Prober(environment(9)).ask(host, 0.05), Probe | Unknown)
