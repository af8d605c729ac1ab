"""The certificates of one environment: one authority for the API, one for Diego."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from simulator.bbs import ServerFiles

_CLIENT = "cloud-controller"
_EXPIRED_SINCE = timedelta(days=1)
_EXPIRED_LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are."""

    api_ca: Path
    api_server: Path
    server: ServerFiles
    client_certificate: Path
    client_key: Path
    diego_ca: trustme.CA
    """Diego's authority, for more certificates that a BBS takes."""

    def renew_client(self, not_after: datetime) -> None:
        """Write another certificate and key of the client over the old ones."""
        issued = self.diego_ca.issue_cert(_CLIENT, common_name=_CLIENT, not_after=not_after)
        _write(issued, self.client_certificate, self.client_key)

    def api_context(self) -> ssl.SSLContext:
        """Make the TLS context of the simulated API."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.api_server)
        return context


def make_certificates(
    folder: Path, namespace: str, server_names: tuple[str, ...], api_host: str, *, rsa: bool = False
) -> Certificates:
    """Make them all under `folder`. Server names cover `namespace`'s Services; the client's serves clientAuth.

    `rsa`: Diego's have RSA keys of 2048 bits, as the real ones do. They take a second to make, the others no time.
    """
    keys = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
    folder.mkdir(parents=True, exist_ok=True)
    api_ca = trustme.CA()
    api_ca.cert_pem.write_to_path(folder / "api-ca.pem")
    api_ca.issue_cert(api_host, "localhost").private_key_and_cert_chain_pem.write_to_path(folder / "api.pem")
    diego_ca = trustme.CA(key_type=keys)
    server_folder = folder / "bbs"
    server_folder.mkdir(exist_ok=True)
    server = ServerFiles.in_folder(server_folder)
    diego_ca.cert_pem.write_to_path(server.ca)
    names = _all_names(server_names, namespace)
    now = datetime.now(UTC)
    _write(diego_ca.issue_cert(*names, key_type=keys), server.certificate, server.key)
    expired = diego_ca.issue_cert(
        *names, not_before=now - _EXPIRED_LIFE - _EXPIRED_SINCE, not_after=now - _EXPIRED_SINCE
    )
    _write(expired, server.expired_certificate, server.expired_key)
    client = folder / "client.pem", folder / "client.key"
    _write(diego_ca.issue_cert(_CLIENT, common_name=_CLIENT, key_type=keys), *client)
    return Certificates(folder / "api-ca.pem", folder / "api.pem", server, *client, diego_ca)


def _all_names(services: tuple[str, ...], namespace: str) -> tuple[str, ...]:
    suffixes = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
    return tuple(dict.fromkeys(name + suffix for name in services for suffix in suffixes))


def _write(leaf: trustme.LeafCert, certificate: Path, key: Path) -> None:
    certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(key)
