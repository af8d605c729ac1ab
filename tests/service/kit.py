"""The types of the fixtures in conftest.py, and how files are replaced."""

import os
import ssl
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trustme
from aiohttp import web
from aiohttp.typedefs import Middleware

from stagekeeper.service.connections import Limits
from stagekeeper.service.web_config import WebConfigFile

Replace = Callable[[Path, bytes], None]


class Serve(Protocol):
    """Serves an application on a free loopback port until the test ends; returns its URL."""

    async def __call__(
        self, app: web.Application, *, web_config: WebConfigFile | None = None, limits: Limits = ..., grace: float = ...
    ) -> str:
        """Serve `app`."""
        ...


class Hello(Protocol):
    """Makes an application that answers every path with the word hello."""

    def __call__(self, middlewares: Sequence[Middleware] = ()) -> web.Application:
        """Make one with these middlewares."""
        ...


class Trusting(Protocol):
    """Makes a client's context that trusts a CA and, if given, shows a certificate."""

    def __call__(self, authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        """Make one."""
        ...


class Eventually(Protocol):
    """Waits until a condition holds; fails after the hang guard."""

    def __call__(self, condition: Callable[[], object]) -> Awaitable[None]:
        """Wait."""
        ...


@dataclass(frozen=True)
class PemFiles:
    """A certificate with its key, and the CA that signed it, as files."""

    ca: Path
    cert: Path
    key: Path

    def write(self, authority: trustme.CA, certificate: trustme.LeafCert) -> None:
        """Replace all three."""
        replace(self.ca, authority.cert_pem.bytes())
        replace(self.cert, b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        replace(self.key, certificate.private_key_pem.bytes())


def replace(path: Path, content: bytes) -> None:
    """Replace a file as careful programs do: by renaming a complete one over it."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)  # noqa: PTH105 - the rename is the point


def bomb(mebibytes: int) -> bytes:
    """A gzip body of about a thousandth of what it unpacks to. Its checksum is wrong, which shows only at its end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return header + block * mebibytes + packer.flush() + bytes(8)
