"""What tests of the service package are made of: the type of a fixture, applications, files, a client's TLS."""

import os
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trustme
from aiohttp import web
from aiohttp.typedefs import Middleware

from stagekeeper.service.connections import Limits
from stagekeeper.service.web_config import WebConfigFile


class Serve(Protocol):
    """Serves an application on a free loopback port until the test ends; returns its URL."""

    async def __call__(
        self, app: web.Application, *, web_config: WebConfigFile | None = None, limits: Limits = ..., grace: float = ...
    ) -> str:
        """Serve `app`."""
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


def hello(middlewares: Sequence[Middleware] = ()) -> web.Application:
    """An application that answers every path with the word hello."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application(middlewares=middlewares)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def trusting(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """A client's context that trusts a CA and, if given, shows a certificate."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    return context


def bomb(mebibytes: int) -> bytes:
    """A gzip body of about a thousandth of what it unpacks to. Its checksum is wrong, which shows only at its end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return header + block * mebibytes + packer.flush() + bytes(8)
