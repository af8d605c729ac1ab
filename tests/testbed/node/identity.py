"""By what the kubelet knows the API server: a client certificate of an authority of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=1)


def write_client(authority_file: Path, client_file: Path) -> None:
    """Write an authority's certificate, and key and certificate of its one client, who may do everything.

    Not by trustme: kubelet refuses its certificates, whose extended key usage is a critical extension.
    """
    authority_key, client_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority of the API server's clients")])
    client = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver"),
        ]
    )
    itself = _certificate(authority, authority_key).issuer_name(authority)
    itself = itself.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = _certificate(client, client_key).issuer_name(authority)
    signed = signed.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    authority_file.write_bytes(_pem(itself.sign(authority_key, hashes.SHA256())))
    key = client_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    client_file.write_bytes(key + _pem(signed.sign(authority_key, hashes.SHA256())))


def _certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
