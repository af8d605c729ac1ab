import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from stagekeeper.service.tls import ClientContext, ServerContext, ServerTls, TlsFilesError, certificate_expiry
from tests.kube import certificates
from tests.kube.certificates import Certificates
from tests.service.kit import PemFiles, replace, trusting
from tests.testbed.patience import HANG_GUARD


async def served_certificate(context: ssl.SSLContext, client: ssl.SSLContext, name: str | None = "localhost") -> bytes:
    """Listen with `context`, connect once, return the certificate that was served and see that a byte comes through."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(1))
        writer.close()

    async with asyncio.timeout(HANG_GUARD), await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        try:
            writer.write(b"x")
            if await reader.read(1) != b"x":
                raise ConnectionResetError
            certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return certificate
        finally:
            writer.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"], ids=["with SNI", "without SNI"])
async def test_a_listener_serves_the_new_certificate_after_its_files_changed(
    name: str, pem_files: PemFiles, authority: trustme.CA
) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key))
    first = await served_certificate(server.listening, trusting(authority), name)
    pem_files.write(authority, authority.issue_cert("127.0.0.1", "localhost"))
    assert await served_certificate(server.listening, trusting(authority), name) != first


async def test_a_listener_keeps_its_certificate_while_the_new_one_lacks_its_key(
    pem_files: PemFiles, authority: trustme.CA
) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key))
    first = await served_certificate(server.listening, trusting(authority))
    replace(pem_files.cert, authority.issue_cert("localhost").cert_chain_pems[0].bytes())
    with capture_logs() as logs:
        assert await served_certificate(server.listening, trusting(authority)) == first
    assert [each["reason"] for each in logs] == [
        f"The key in {pem_files.key} does not belong to the certificate in {pem_files.cert}; renew both together."
    ]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_ca_that_was_taken_away_no_longer_admits_its_clients(
    version: ssl.TLSVersion, pem_files: PemFiles, authority: trustme.CA
) -> None:
    """OpenSSL can only add CAs to a context, and resumed sessions skip the check: neither may keep a client in."""
    settings = ServerTls(pem_files.cert, pem_files.key, pem_files.ca, ssl.CERT_REQUIRED)
    server = ServerContext(settings)
    client = trusting(authority, authority.issue_cert("client"))
    client.maximum_version = version
    await served_certificate(server.listening, client)
    pem_files.ca.write_bytes(trustme.CA().cert_pem.bytes())
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served_certificate(server.listening, client)


async def test_a_client_without_a_certificate_is_refused_where_one_is_required(
    pem_files: PemFiles, authority: trustme.CA
) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key, pem_files.ca, ssl.CERT_REQUIRED))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served_certificate(server.listening, trusting(authority))


async def test_new_settings_apply_to_the_connections_from_then_on(pem_files: PemFiles, authority: trustme.CA) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key))
    old_client = trusting(authority)
    old_client.maximum_version = ssl.TLSVersion.TLSv1_2
    await served_certificate(server.listening, old_client)
    server.use(ServerTls(pem_files.cert, pem_files.key, min_version=ssl.TLSVersion.TLSv1_3))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served_certificate(server.listening, old_client)
    server.use(ServerTls(pem_files.cert, pem_files.key, pem_files.ca, ssl.CERT_REQUIRED))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served_certificate(server.listening, trusting(authority))


def test_a_client_context_is_cached_until_a_file_changes(pem_files: PemFiles, authority: trustme.CA) -> None:
    client = ClientContext(pem_files.ca, pem_files.cert, pem_files.key)
    first = client.current()
    assert client.current() is first
    pem_files.write(authority, authority.issue_cert("localhost"))
    assert client.current() is not first


async def test_a_client_trusts_only_its_ca_file(pem_files: PemFiles, tmp_path: Path) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key))
    await served_certificate(server.listening, ClientContext(pem_files.ca).current())
    (tmp_path / "other.crt").write_bytes(trustme.CA().cert_pem.bytes())
    with pytest.raises(ssl.SSLCertVerificationError):
        await served_certificate(server.listening, ClientContext(tmp_path / "other.crt").current())


@pytest.fixture
def newest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `ssl.create_default_context` asks for from Python 3.13 on."""
    made = ssl.create_default_context

    def stricter(*given: Any, **named: Any) -> ssl.SSLContext:
        context = made(*given, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", stricter)


TRUSTED = {
    "a CA as today's": certificates.issued,
    "a CA without key identifiers": certificates.without_key_identifiers,
    "a server that is its own authority": certificates.self_signed,
    "an authority in the middle": certificates.intermediate,
}
BAD_BLOCK = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("kind", TRUSTED)
async def test_a_client_trusts_a_ca_file_as_go_would(kind: str, tmp_path: Path) -> None:
    own: Certificates = TRUSTED[kind]()
    (tmp_path / "ca.crt").write_bytes(b"# \xfcber uns\n" + BAD_BLOCK + own.authority)
    client = ClientContext(tmp_path / "ca.crt").current()
    await served_certificate(own.server(), client, certificates.LOOPBACK)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await served_certificate(own.server(), client, "another.example")


async def test_a_client_trusts_nobody_whose_certificate_has_ended(pem_files: PemFiles, authority: trustme.CA) -> None:
    pem_files.write(authority, authority.issue_cert("localhost", not_after=datetime(2026, 1, 1, tzinfo=UTC)))
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await served_certificate(server.listening, ClientContext(pem_files.ca).current())


@pytest.mark.usefixtures("newest_python")
async def test_a_client_trusts_the_system_as_go_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = certificates.without_key_identifiers()
    (tmp_path / "ca.crt").write_bytes(own.authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    await served_certificate(own.server(), ClientContext().current(), certificates.LOOPBACK)


async def test_a_client_shows_its_certificate(pem_files: PemFiles) -> None:
    server = ServerContext(ServerTls(pem_files.cert, pem_files.key, pem_files.ca, ssl.CERT_REQUIRED))
    client = ClientContext(pem_files.ca, pem_files.cert, pem_files.key)
    await served_certificate(server.listening, client.current())


def test_without_a_ca_file_the_systems_authorities_are_trusted() -> None:
    assert ClientContext().current().verify_mode == ssl.CERT_REQUIRED


def test_a_certificate_without_its_key_is_refused(pem_files: PemFiles) -> None:
    with pytest.raises(TlsFilesError, match=r"needs both files: cert_file is .*tls\.crt, key_file is missing"):
        ClientContext(pem_files.ca, pem_files.cert)


@pytest.mark.parametrize(
    ("broken", "content", "sentence"),
    [
        ("ca", None, "The CA file {ca} can't be read: No such file or directory."),
        ("ca", b"", "The CA file {ca} holds no usable PEM certificate"),
        ("ca", b"nonsense", "The CA file {ca} holds no usable PEM certificate"),
        ("cert", None, "The certificate file {cert} can't be read: No such file or directory."),
        ("key", None, "The key file {key} can't be read: No such file or directory."),
        ("cert", b"nonsense", "The certificate {cert} or its key {key} is not usable PEM"),
        ("key", b"nonsense", "The certificate {cert} or its key {key} is not usable PEM"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    pem_files: PemFiles, broken: str, content: bytes | None, sentence: str
) -> None:
    path: Path = getattr(pem_files, broken)
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(TlsFilesError) as raised:
        ClientContext(pem_files.ca, pem_files.cert, pem_files.key).current()
    expected = sentence.format(ca=pem_files.ca, cert=pem_files.cert, key=pem_files.key)
    assert str(raised.value).startswith(expected)


def test_an_encrypted_key_is_refused_instead_of_asking_for_its_password(pem_files: PemFiles) -> None:
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415

    key = pem.load_pem_private_key(pem_files.key.read_bytes(), None)
    encryption = pem.BestAvailableEncryption(b"secret")
    pem_files.key.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))
    with pytest.raises(TlsFilesError, match="the key must not be encrypted"):
        ClientContext(pem_files.ca, pem_files.cert, pem_files.key).current()


def test_a_key_of_another_kind_belongs_to_another_certificate(pem_files: PemFiles, authority: trustme.CA) -> None:
    rsa = authority.issue_cert("localhost", key_type=trustme.KeyType.RSA)
    pem_files.key.write_bytes(rsa.private_key_pem.bytes())
    with pytest.raises(TlsFilesError, match="does not belong to the certificate"):
        ClientContext(pem_files.ca, pem_files.cert, pem_files.key).current()


def test_a_certificate_that_is_too_weak_is_called_so(pem_files: PemFiles) -> None:
    weak = certificates.too_weak()
    pem_files.cert.write_bytes(weak.chain)
    pem_files.key.write_bytes(weak.key)
    with pytest.raises(TlsFilesError, match=r"is too weak for TLS \(EE_KEY_TOO_SMALL\); renew it with RSA 2048 or EC"):
        ClientContext(pem_files.ca, pem_files.cert, pem_files.key).current()


def test_the_expiry_of_a_file_is_that_of_its_first_certificate_to_end(tmp_path: Path, authority: trustme.CA) -> None:
    soon = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    leaf = authority.issue_cert("localhost", not_after=soon)
    path = tmp_path / "chain.pem"
    path.write_bytes(authority.cert_pem.bytes() + leaf.cert_chain_pems[0].bytes())
    assert certificate_expiry(path) == soon


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_without_certificates_has_no_expiry_but_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pem").write_bytes(content)
    with pytest.raises(TlsFilesError, match=r"x.pem holds no usable PEM certificate"):
        certificate_expiry(tmp_path / "x.pem")
