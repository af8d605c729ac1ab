"""Certificates for servers of the tests, made once per process: some as no sane CA issues them any more."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Certificates:
    """A server's own certificate, and what a kubeconfig trusts it by."""

    chain: bytes
    key: bytes
    authority: bytes

    def server(self, *, clients: bytes = b"") -> ssl.SSLContext:
        """A context for a server, which asks for a client certificate of the CA `clients` but does without."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with trustme.Blob(self.chain + self.key).tempfile() as path:
            context.load_cert_chain(path)
        if clients:
            context.load_verify_locations(cadata=clients.decode())
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def write(self, folder: Path) -> dict[str, str]:
        """Certificate and key as files, under the keys that a kubeconfig names them by."""
        folder.mkdir(exist_ok=True)
        (folder / "client.crt").write_bytes(self.chain)
        (folder / "client.key").write_bytes(self.key)
        return {"client-certificate": str(folder / "client.crt"), "client-key": str(folder / "client.key")}


@cache
def authority(name: str = "cluster") -> trustme.CA:
    """A CA; another one for each name."""
    return trustme.CA(organization_name=name)


def issued(identity: str = LOOPBACK, by: str = "cluster") -> Certificates:
    """A certificate for a server."""
    leaf = authority(by).issue_cert(identity)
    chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
    return Certificates(chain, leaf.private_key_pem.bytes(), authority(by).cert_pem.bytes())


def client(name: str, by: str = "clients") -> Certificates:
    """A certificate for a client."""
    leaf = authority(by).issue_cert(common_name=name)
    chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
    return Certificates(chain, leaf.private_key_pem.bytes(), authority(by).cert_pem.bytes())


def without_key_identifiers() -> Certificates:
    """As EKS issued them for some years, and MicroK8s: neither CA nor leaf says whose key it is."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    is_ca = x509.BasicConstraints(ca=True, path_length=None)
    ca = _unsigned(ca_name, ca_name, ca_key.public_key()).add_extension(is_ca, critical=True)
    leaf = _unsigned(name, ca_name, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False
    )
    return Certificates(_pem(leaf.sign(ca_key, hashes.SHA256())), _pem_key(key), _pem(ca.sign(ca_key, hashes.SHA256())))


def self_signed() -> Certificates:
    """A server that is its own authority, and no CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    leaf = _unsigned(name, name, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False
    )
    pem = _pem(leaf.sign(key, hashes.SHA256()))
    return Certificates(pem, _pem_key(key), pem)


def intermediate() -> Certificates:
    """Trusted by the CA in the middle alone, whose root is nowhere."""
    middle = trustme.CA(parent_cert=trustme.CA())
    leaf = middle.issue_cert(LOOPBACK)
    return Certificates(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes(), middle.cert_pem.bytes())


def too_weak() -> Certificates:
    """Of a key that OpenSSL takes no more."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- that is what it is for
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of long ago")])
    pem = _pem(_unsigned(name, name, key.public_key()).sign(key, hashes.SHA256()))
    return Certificates(pem, _pem_key(key), pem)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
