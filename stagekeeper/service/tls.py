"""TLS contexts that follow their files, for clients and for servers."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stagekeeper import trust
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.files import Reloaded, read_bytes


class TlsFilesError(ConfigurationError):
    """A certificate, key or CA file can't be used; the text names the file."""


class ClientContext:
    """The TLS context of a client: who may serve us, and who we say we are.

    Without `ca_file` the system's CAs are trusted, and either as Go would (`trust`). Certificate and key come together
    or not at all. Building a context takes 1 ms (26 ms with the system's CAs), so it is cached until one of the files
    changes.
    """

    def __init__(
        self, ca_file: Path | None = None, cert_file: Path | None = None, key_file: Path | None = None
    ) -> None:
        if (cert_file is None) != (key_file is None):
            raise TlsFilesError(
                f"A client certificate needs both files: cert_file is {cert_file or 'missing'}, "
                f"key_file is {key_file or 'missing'}."
            )
        paths = [path for path in (ca_file, cert_file, key_file) if path is not None]
        self._reloaded = Reloaded(
            "The TLS client configuration", paths, lambda: _client_context(ca_file, cert_file, key_file)
        )

    def current(self) -> ssl.SSLContext:
        """The context of the newest usable files. Raises `TlsFilesError` if they were never usable."""
        return self._reloaded.current()


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a server's TLS is made of. `client_verification` is CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_verification: ssl.VerifyMode = ssl.CERT_NONE
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    @property
    def files(self) -> Sequence[Path]:
        """The files it depends on."""
        return [path for path in (self.cert_file, self.key_file, self.client_ca_file) if path is not None]


class ServerContext:
    """One context for the life of a listener, whose certificate and client CAs follow the files.

    asyncio takes a listener's context once, and OpenSSL can add a CA to a context but never take one away. So the
    context that listens only hands every handshake over to the newest one. Sessions are never resumed: a resumed
    session would go on with a client certificate whose CA was taken away since.
    """

    def __init__(self, settings: ServerTls) -> None:
        """Load the files. Raises `TlsFilesError` if they can't be used."""
        self._settings = settings
        self._reloaded = self._follow(settings)
        self.listening = _server_context(settings)
        self.listening.sni_callback = self._hand_over

    def use(self, settings: ServerTls) -> None:
        """Take other settings (files, client verification, versions) for the handshakes from now on."""
        if settings != self._settings:
            reloaded = self._follow(settings)
            # These three are copied into a connection before the hand-over, so they are set where it listens.
            self.listening.verify_mode = settings.client_verification
            self.listening.minimum_version = settings.min_version
            self.listening.maximum_version = settings.max_version
            self._settings, self._reloaded = settings, reloaded

    @staticmethod
    def _follow(settings: ServerTls) -> Reloaded[ssl.SSLContext]:
        reloaded = Reloaded("The server's TLS certificate", settings.files, lambda: _server_context(settings))
        reloaded.current()
        return reloaded

    def _hand_over(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._reloaded.current()


def certificate_expiry(pem_path: Path, *, last: bool = False) -> datetime:
    """When the first, or the last, of the file's certificates to end ends (aware, UTC). Raises `TlsFilesError`."""
    from cryptography import x509  # noqa: PLC0415 -- 7 MiB that only those need who publish expiry dates

    pem = read_bytes(pem_path, "The certificate file", TlsFilesError)
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError as problem:
        raise TlsFilesError(f"The certificate file {pem_path} holds no usable PEM certificate: {problem}.") from problem
    ends = [certificate.not_valid_after_utc for certificate in certificates]
    return max(ends) if last else min(ends)


def _client_context(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    context = trust.loosen(ssl.create_default_context() if ca_file is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    if ca_file is not None:
        _trust(context, ca_file, "The CA file")
    if cert_file is not None and key_file is not None:
        _present(context, cert_file, key_file)
    return context


def _server_context(settings: ServerTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.min_version
    context.maximum_version = settings.max_version
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    _present(context, settings.cert_file, settings.key_file)
    if settings.client_ca_file is not None:
        _trust(context, settings.client_ca_file, "The client CA file")
    context.verify_mode = settings.client_verification
    return context


def _trust(context: ssl.SSLContext, ca_file: Path, what: str) -> None:
    pem = read_bytes(ca_file, what, TlsFilesError)
    try:
        context.load_verify_locations(cadata=trust.bundle(pem))
    except ValueError as problem:
        raise TlsFilesError(f"{what} {ca_file} holds no usable PEM certificate.") from problem


def _present(context: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    for what, path in (("The certificate file", cert_file), ("The key file", key_file)):
        read_bytes(path, what, TlsFilesError)
    try:
        # The password is given, and empty: without it OpenSSL would ask for one on the terminal, and wait.
        context.load_cert_chain(cert_file, key_file, password=lambda: "")
    except ssl.SSLError as problem:
        raise TlsFilesError(_why_not_presentable(problem, cert_file, key_file)) from problem
    except OSError as problem:  # gone since we read it a moment ago
        raise TlsFilesError(f"{cert_file} or {key_file} can't be read: {problem.strerror or problem}.") from problem


def _why_not_presentable(problem: ssl.SSLError, cert_file: Path, key_file: Path) -> str:
    why = problem.reason or str(problem)
    if why in trust.NO_PAIR:
        return f"The key in {key_file} does not belong to the certificate in {cert_file}; renew both together."
    if why in trust.TOO_WEAK:
        return f"The certificate {cert_file} is too weak for TLS ({why}); renew it with RSA 2048 or EC."
    return (
        f"The certificate {cert_file} or its key {key_file} is not usable PEM ({why}); the key must not be encrypted."
    )
