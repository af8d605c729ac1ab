"""Whom we trust and what we show, as Go would, whatever this Python asks for by default."""

import asyncio
import base64
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stagekeeper.kube import credentials
from stagekeeper.kube.client import Kube, NoCluster, connect
from stagekeeper.kube.errors import Unreachable
from tests.kube import certificates
from tests.kube.api_server import ApiServer, answering, api_server, kubeconfig
from tests.kube.certificates import Certificates, client, issued

ENOUGH = 60.0


@pytest.fixture(autouse=True)
def newest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `ssl.create_default_context` asks for from Python 3.13 on."""
    made = ssl.create_default_context

    def stricter(*given: Any, **named: Any) -> ssl.SSLContext:
        context = made(*given, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", stricter)


async def asked(own: Certificates, folder: Path, user: Mapping[str, Any] | None = None, **cluster: Any) -> ApiServer:
    """The server after one request that went through."""
    clients = certificates.authority("clients").cert_pem.bytes()
    async with api_server(own.server(clients=clients)) as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(folder / "kubeconfig", server.url, user, **cluster)) as kube:
            await kube.get("/version", timeout=ENOUGH)
    return server


def data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def trusting(pem: bytes, **more: Any) -> dict[str, Any]:
    """A cluster entry that trusts `pem`; other keys of it with underscores for hyphens."""
    return {"certificate-authority-data": data(pem), **{key.replace("_", "-"): value for key, value in more.items()}}


TRUSTED = {
    "a CA as today's": issued,
    "a CA without key identifiers": certificates.without_key_identifiers,
    "a server that is its own authority": certificates.self_signed,
    "an authority in the middle": certificates.intermediate,
}


@pytest.mark.parametrize("kind", TRUSTED)
@pytest.mark.parametrize("as_data", [False, True])
async def test_a_server_is_trusted_as_kubectl_trusts_it(kind: str, tmp_path: Path, *, as_data: bool) -> None:
    own: Certificates = TRUSTED[kind]()
    (tmp_path / "ca.crt").write_bytes(own.authority)
    trusted: dict[str, Any] = trusting(own.authority) if as_data else {"certificate-authority": "ca.crt"}
    await asked(own, tmp_path, **trusted)


@pytest.mark.programs
@pytest.mark.parametrize("kind", TRUSTED)
async def test_kubectl_trusts_it_too(kind: str, tmp_path: Path, program: Callable[[str], Path]) -> None:
    kubectl, own = program("kubectl"), TRUSTED[kind]()
    async with api_server(own.server()) as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url, None, **trusting(own.authority))
        arguments = ("get", "--raw", "/version", f"--kubeconfig={path}")
        process = await asyncio.create_subprocess_exec(kubectl, *arguments, stdout=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_each_ca_of_a_bundle_is_trusted_with_comments_between_them(place: int, tmp_path: Path) -> None:
    bundle = [b"# \xfcber uns\n" + certificates.authority(name).cert_pem.bytes() for name in ("old", "older")]
    bundle.insert(place, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + issued().authority)
    await asked(issued(), tmp_path, **trusting(b"\n".join(bundle)))


UNTRUSTED = r": its certificate is not trusted \({}\); check certificate-authority and tls-server-name\.$"


async def test_a_server_of_another_ca_is_refused_and_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=UNTRUSTED.format("(self-signed certificate in|unable to get local).*")):
        await asked(issued(), tmp_path, **trusting(issued(by="another").authority))


async def test_a_server_of_another_name_is_refused_unless_its_name_is_given(tmp_path: Path) -> None:
    own = issued("api.cluster.example")
    other = UNTRUSTED.format("IP address mismatch, certificate is not valid for '127.0.0.1'")
    with pytest.raises(Unreachable, match=other):
        await asked(own, tmp_path, **trusting(own.authority))
    await asked(own, tmp_path, **trusting(own.authority, tls_server_name="api.cluster.example"))
    with pytest.raises(Unreachable, match="not trusted"):
        await asked(own, tmp_path, **trusting(own.authority, tls_server_name="other.example"))


async def test_what_is_not_verified_is_so_because_the_kubeconfig_says_it(tmp_path: Path) -> None:
    await asked(issued("api.cluster.example"), tmp_path, **dict[str, Any]({"insecure-skip-tls-verify": True}))


@pytest.mark.parametrize("as_data", [False, True])
async def test_a_client_certificate_is_shown(tmp_path: Path, *, as_data: bool) -> None:
    mine = client("operator")
    user: dict[str, Any] = mine.write(tmp_path)
    if as_data:
        user = {"client-certificate-data": data(mine.chain), "client-key-data": data(mine.key)}
    server = await asked(issued(), tmp_path, user, **trusting(issued().authority))
    assert [each.shown for each in server.requests] == ["operator"]


async def serving(kube: Kube) -> None:
    await kube.get("/version", timeout=ENOUGH)


async def test_a_client_certificate_that_was_renewed_is_shown_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while kept connections show the old one, and not while only half of the pair is new."""
    user: dict[str, Any] = client("first").write(tmp_path)
    async with api_server(issued().server(clients=client("first").authority)) as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url, user, **trusting(issued().authority))
        async with connect(path) as kube:
            await serving(kube)
            second = client("second")
            (tmp_path / "client.crt").write_bytes(second.chain)
            monkeypatch.setattr(credentials, "_now", lambda: time.monotonic() + 60)
            await serving(kube)
            second.write(tmp_path)
            await serving(kube)
            monkeypatch.setattr(credentials, "_now", lambda: time.monotonic() + 120)
            await serving(kube)
    assert [each.shown for each in server.requests] == ["first", "first", "first", "second"]


async def why_not(path: Path) -> str:
    with pytest.raises(NoCluster) as raised:
        async with connect(path):
            pass
    return str(raised.value)


def encrypted(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )


PAIRS: dict[str, tuple[Callable[[], tuple[bytes, bytes]], str]] = {
    "another key": (lambda: (client("a").chain, client("b").key), "the key does not belong to the certificate"),
    "a key of another kind": (
        lambda: (client("a").chain, certificates.too_weak().key),
        "the key does not belong to the certificate",
    ),
    "a certificate of long ago": (
        lambda: (certificates.too_weak().chain, certificates.too_weak().key),
        "the certificate is too weak for TLS",
    ),
    "an encrypted key": (lambda: (client("a").chain, encrypted(client("a").key)), "must not be encrypted"),
    "no certificate": (lambda: (b"junk", client("a").key), "not PEM that can be used"),
    "no key": (lambda: (client("a").chain, b"junk"), "not PEM that can be used"),
    "nothing": (lambda: (client("a").chain, b""), "client-certificate needs client-key"),
}


@pytest.mark.parametrize("kind", PAIRS)
async def test_a_pair_that_can_not_be_shown_is_said_and_nobody_is_asked_for_a_password(
    kind: str, tmp_path: Path
) -> None:
    pair, why = PAIRS[kind]
    certificate, key = pair()
    user = {"client-certificate-data": data(certificate), "client-key-data": data(key)}
    assert why in await why_not(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", user))


def files(folder: Path) -> list[str]:
    """Where each entry of `folder` leads."""
    return [os.path.realpath(each) for each in folder.iterdir()]


async def test_no_key_is_left_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    mine = client("operator")
    user = {"client-certificate-data": data(mine.chain), "client-key-data": data(mine.key)}
    async with connect(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", user)):
        assert files(tmp_path / "tmp") == []
        assert not [each for each in files(Path("/proc/self/fd")) if "memfd" in each]
