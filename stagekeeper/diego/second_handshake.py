"""What only a second handshake can tell of a first one that failed. Best effort, within the caller's timeout."""

import asyncio
import ssl
from datetime import datetime

from stagekeeper.diego.profiles import TlsFiles
from stagekeeper.diego.wire import Address, connect


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


async def certificate_ends(addresses: list[Address], files: TlsFiles | None, server_name: str) -> datetime | None:
    """The end of a certificate that does not verify, so that whoever is woken is told the date.

    It trusts anybody and sends nothing. It shows our certificate too: under TLS 1.2 a server that asks for one ends the
    handshake without it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        if files is not None:
            context.load_cert_chain(files.cert_file, files.key_file, password=lambda: "")
        _, writer = await _handshake(addresses, context, server_name)
    except OSError:
        return None
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return _end_of(certificate) if certificate else None


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
