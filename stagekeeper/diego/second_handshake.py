"""What only a second handshake can tell of a first one that failed. Best effort, within the caller's timeout."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from stagekeeper.diego.wire import Address, connect

_PIECE = 16 * 1024
"""Bytes: the longest record of TLS."""
_DER = 2
"""OpenSSL's number for that encoding, in the module `_ssl`."""


async def alert(addresses: list[Address], context: ssl.SSLContext, server_name: str) -> str | None:
    """The alert with which the server refuses us, where our request met a reset; None if there is none.

    Under TLS 1.3 a server that refuses our certificate hangs up on the request that is under way to it, and the reset
    may sweep its alert away. Whoever sends nothing gets no reset.
    """
    try:
        reader, writer = await _handshake(addresses, context, server_name)
        try:
            await reader.read(1)
        finally:
            writer.transport.abort()
    except ssl.SSLError as problem:
        return problem.reason
    except OSError:
        return None
    return None


async def certificate_ends(addresses: list[Address], server_name: str) -> datetime | None:
    """The end of a certificate that does not verify, so that whoever is woken is told the date.

    It trusts anybody, so it tells nobody more than the first handshake did: it says hello, without a certificate of
    ours, and hangs up as soon as the other side has shown its own.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, to_send, server_hostname=server_name)
    try:
        reader, writer = await asyncio.open_connection(sock=await connect(addresses))
        try:
            while not _has_shaken_hands(tls) and _shown(tls) is None:
                writer.write(to_send.read())
                received.write(await reader.read(_PIECE) or _nothing_more())
        finally:
            writer.transport.abort()
    except OSError:
        return None
    certificate = _shown(tls)
    return _end_of(certificate) if certificate else None


def _has_shaken_hands(tls: ssl.SSLObject) -> bool:
    """Go on with what has come; True if nothing more is needed. Raises `ssl.SSLError`."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _nothing_more() -> bytes:
    raise ConnectionResetError


def _shown(tls: ssl.SSLObject) -> bytes | None:
    """The certificate that the other side has shown, in DER.

    `getpeercert` has none before the end of the handshake, which under TLS 1.2 never comes without a certificate of
    ours; what has one is public from Python 3.13 on.
    """
    chain: Callable[[], Sequence[Any]] | None = getattr(tls, "get_unverified_chain", None)
    if chain is not None:
        return next(iter(chain() or ()), None)
    found = getattr(tls, "_sslobj").get_unverified_chain() or ()  # noqa: B009 -- private there, and no typed name
    return next((each.public_bytes(_DER) for each in found), None)


def _end_of(certificate: bytes) -> datetime | None:
    from cryptography import x509  # noqa: PLC0415 -- 7 MiB that only a broken certificate needs

    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except ValueError:  # OpenSSL reads certificates that cryptography refuses
        return None


async def _handshake(
    addresses: list[Address], context: ssl.SSLContext, server_name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = await connect(addresses)
    return await asyncio.open_connection(sock=connection, ssl=context, server_hostname=server_name)
