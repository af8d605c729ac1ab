"""Certificates as client-go takes them: whom we trust, and what we show.

Trust is what Go's is: each certificate of a bundle is an anchor, also one that is no root, and a CA without key
identifiers is one too. Python from 3.13 on asks for more (`VERIFY_X509_STRICT`), so that flag is taken away.
"""

import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[\s\w+/=]+-----END CERTIFICATE-----")

Pair = tuple[bytes, bytes]
"""A client certificate (with its chain) and its key, both PEM."""


def bundle(pem: bytes) -> str:
    """The certificates in `pem` that can be used, without the rest. Raises `ValueError` if there is none."""
    usable = [block.decode() for block in _CERTIFICATE.findall(pem) if _is_certificate(block.decode())]
    if not usable:
        raise ValueError("it holds no certificate in PEM that can be used")
    return "\n".join(usable)


def _is_certificate(block: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block)
    except (ssl.SSLError, ValueError):
        return False
    return True


def loosen(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let `context` trust what Go would, on every version of Python."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def show(context: ssl.SSLContext, pair: Pair) -> None:
    """Show this certificate in each handshake of `context`. Raises `ValueError` if the pair can't be used."""
    certificate, key = pair
    try:
        with _nameless(certificate) as certificate_path, _nameless(key) as key_path:
            # A password is given, and empty: without one OpenSSL would ask on the terminal, and wait.
            context.load_cert_chain(certificate_path, key_path, password=lambda: "")
    except ssl.SSLError as problem:
        if problem.reason == "KEY_VALUES_MISMATCH":
            raise ValueError("the key does not belong to the certificate") from None
        raise ValueError("certificate or key is not PEM that can be used; the key must not be encrypted") from None


def usable(pair: Pair) -> Pair:
    """`pair`, if it can be shown. Raises `ValueError` if not."""
    show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pair)
    return pair


@contextmanager
def _nameless(content: bytes) -> Iterator[str]:
    """A path to `content` in a file without a name, which ends with the process however that ends."""
    file: IO[bytes]
    with os.fdopen(os.memfd_create("key"), "w+b") if sys.platform == "linux" else tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"
