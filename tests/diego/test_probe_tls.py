"""The probe where TLS goes wrong, and where its own certificate changes."""

import asyncio
import datetime as dt
import shutil
import socket
import ssl
import struct
from pathlib import Path

import pytest

from stagekeeper.diego import second_handshake
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.probe import Prober
from stagekeeper.diego.profiles import TlsFiles
from tests.diego import listeners
from tests.diego.asking import ENOUGH, ask
from tests.diego.listeners import (
    PONG,
    Certificates,
    answering,
    environment,
    hanging_up,
    listening,
    one_after_the_other,
    silent,
)

# TLS goes wrong


async def closing_once_spoken_to(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """As a mesh sidecar does that looks at the first bytes and then finds nobody behind it."""
    await reader.read(1)


@pytest.mark.parametrize("proxy", [hanging_up, closing_once_spoken_to])
async def test_a_listener_that_closes_before_a_byte_of_tls_is_no_bbs(
    proxy: listeners.Conversation, certs: Certificates
) -> None:
    async with listening(proxy) as port:
        found = await ask(port, certs)
    assert found.reply is Reply.CLOSED
    assert found.detail.startswith("connection closed in the handshake")


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


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_who_does_not_verify_is_never_shown_our_certificate(version: ssl.TLSVersion, certs: Certificates) -> None:
    """The handshake that asks for the date trusts anybody, so it showed anybody our certificate."""
    context = certs.server(ends=dt.datetime(2025, 1, 2, tzinfo=dt.UTC))
    context.maximum_version, context.verify_mode = version, ssl.CERT_OPTIONAL
    shown: list[object] = []

    async def stranger(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)
        shown.append(writer.get_extra_info("peercert"))

    async with listening(stranger) as port:
        found = await ask(port, certs)
    assert found.certificate_ends is not None
    assert [each for each in shown if each] == []


async def leaving(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Read the hello and close, without a reset."""
    await reader.read(65_536)


@pytest.mark.parametrize("second", [silent, hanging_up, leaving])
async def test_a_verdict_stands_when_the_date_can_not_be_found(
    second: listeners.Conversation, certs: Certificates
) -> None:
    """The second handshake only asks for the date."""
    context = certs.server(ends=dt.datetime(2025, 1, 2, tzinfo=dt.UTC))

    async def first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)

    async with listening(one_after_the_other(first, second)) as port:
        found = await ask(port, certs, 1.0)
    assert (found.reply, found.detail, found.certificate_ends) == (Reply.TLS, "certificate has expired", None)


def test_a_certificate_that_only_openssl_can_read_has_no_date() -> None:
    assert second_handshake._end_of(b"no certificate") is None


def resetting(context: ssl.SSLContext) -> listeners.Conversation:
    """Shake hands, read the request, reset the connection."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)
        await reader.readuntil(b"\r\n\r\n")
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return converse


async def alerting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the handshake with the fatal alert "unknown CA"."""
    await reader.read(65_536)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x30")
    await writer.drain()


async def test_an_alert_that_a_reset_swept_away_is_asked_for_again(certs: Certificates) -> None:
    async with listening(one_after_the_other(resetting(certs.server()), alerting)) as port:
        found = await ask(port, certs)
    assert (found.reply, found.detail) == (Reply.CERTIFICATE_REFUSED, "TLSV1_ALERT_UNKNOWN_CA")


@pytest.mark.parametrize("second", [silent, hanging_up])
async def test_a_reset_without_an_alert_is_a_bad_reply(second: listeners.Conversation, certs: Certificates) -> None:
    async with listening(one_after_the_other(resetting(certs.server()), second)) as port:
        found = await ask(port, certs, 1.0)
    assert (found.reply, found.detail) == (
        Reply.BAD_REPLY,
        "connection closed before an answer (Connection reset by peer)",
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_not_accepted_is_not_the_bbss_fault(
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
            assert (found.reply, found.detail) == (Reply.CERTIFICATE_REFUSED, "TLSV1_ALERT_UNKNOWN_CA")


def alert(description: int) -> listeners.Conversation:
    """End the handshake with a fatal alert of that number (RFC 8446, section 6)."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(bytes((0x15, 3, 3, 0, 2, 2, description)))
        await writer.drain()

    return converse


@pytest.mark.parametrize(
    ("description", "reply"),
    [
        *((number, Reply.CERTIFICATE_REFUSED) for number in (42, 43, 44, 45, 46, 48, 49, 116)),
        *((number, Reply.TLS) for number in (40, 47, 50, 51, 70, 71, 80, 112)),
    ],
)
async def test_the_alerts_about_our_certificate_are_told_from_the_others(
    description: int, reply: Reply, certs: Certificates
) -> None:
    """From bad_certificate to certificate_required; the others are about the handshake, such as protocol_version."""
    async with listening(alert(description)) as port:
        found = await ask(port, certs)
    assert found.reply is reply, found.detail


async def test_a_listener_of_tls_1_1_only_does_not_serve(certs: Certificates) -> None:
    """A server of OpenSSL's under asyncio hangs up before its alert is sent."""
    context = certs.server()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listening(answering(PONG), context) as port:
        assert (await ask(port, certs)).reply in {Reply.TLS, Reply.CLOSED}


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
