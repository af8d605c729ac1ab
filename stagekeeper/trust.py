"""Certificates as Go takes them, and with it kubectl, Prometheus and Alertmanager: whom we trust, and what we show.

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
NO_PAIR = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
"""OpenSSL's words for a key of another certificate; the last for one of another kind, such as EC beside RSA."""
TOO_WEAK = {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}
"""OpenSSL's words for a certificate, or one of its chain, that TLS takes no more: RSA of 1024 bits, or MD5."""

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
        if problem.reason in NO_PAIR:
            raise ValueError("the key does not belong to the certificate") from None
        if problem.reason in TOO_WEAK:
            raise ValueError("the certificate is too weak for TLS; renew it with RSA 2048 or EC") from None
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
