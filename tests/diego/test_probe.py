"""The probe against a BBS that is right, and listeners that answer wrongly or not at all."""

import asyncio
import datetime as dt
import socket
import ssl

import pytest

from stagekeeper.diego import wire
from stagekeeper.diego.observation import Probe, Reply
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
from tests.testbed.process import free_port

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
    head = b"POST /v1/ping HTTP/1.1\r\nHost: bbs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert asked == [head]


async def test_every_phase_is_timed(certs: Certificates) -> None:
    async with listening(answering(PONG), certs.server()) as port:
        found = await ask(port, certs)
    assert list(found.phases) == ["dns", "connect", "tls", "request"]
    assert all(0 <= seconds < ENOUGH for seconds in found.phases.values())


async def test_only_the_phases_that_were_reached_are_timed(certs: Certificates) -> None:
    assert list((await ask(free_port(), certs)).phases) == ["dns", "connect"]


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
    async with listening(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + chunked), certs.server()) as port:
        assert (await ask(port, certs)).reply is Reply.OK


# Nobody there


async def test_a_port_without_a_listener_refuses(certs: Certificates) -> None:
    assert (await ask(free_port(), certs)).reply is Reply.REFUSED


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
        found = await ask(port, certs)
    assert (found.reply, found.detail) == (Reply.BAD_REPLY, "connection closed without an answer")


async def test_an_endless_answer_is_a_bad_reply(certs: Certificates) -> None:
    async with listening(endless, certs.server()) as port:
        found = await ask(port, certs)
    assert (found.reply, found.detail) == (Reply.BAD_REPLY, "an answer of more than 65536 bytes")


@pytest.mark.parametrize(
    ("size", "detail"), [(65_536, "HTTP 200 with 65494 bytes"), (65_537, "an answer of more than 65536 bytes")]
)
async def test_an_answer_is_read_up_to_64_kib(size: int, detail: str, certs: Certificates) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size - 42}\r\n\r\n".encode()
    async with listening(answering(head + b"x" * (size - len(head))), certs.server()) as port:
        assert (await ask(port, certs)).detail == detail


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


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 8889)"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "wrong version number"), "wrong version number"),
        (OSError("nobody knows"), "nobody knows"),
        (OSError(), "OSError"),
    ],
)
def test_the_systems_own_words_are_said_where_it_has_some(problem: OSError, said: str) -> None:
    assert wire.reason(problem) == said


async def test_an_address_that_is_silent_does_not_keep_us_from_the_next(
    certs: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listeners.black_hole() as hole:
        async with listening(answering(PONG), certs.server()) as port:
            both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in (hole, port)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
            assert (await ask(port, certs, host="diego-api.cf.svc.cluster.local")).reply is Reply.OK


@pytest.mark.parametrize("other", [(socket.AF_INET6, "::1"), (socket.AF_INET, "255.255.255.255")])
async def test_a_name_that_refuses_where_it_can_be_reached_is_refused(
    other: tuple[socket.AddressFamily, str], certs: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its other address too, or there is no way to that: a name of two families, on a machine that has one."""
    port = free_port()
    both = [(each, socket.SOCK_STREAM, 6, "", (host, port)) for each, host in (other, (socket.AF_INET, "127.0.0.1"))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert (await ask(port, certs, host="diego-api.cf.svc.cluster.local")).reply is Reply.REFUSED
