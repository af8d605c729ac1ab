"""`--web.config.file`: TLS, basic authentication and headers, in the format of Prometheus' exporter-toolkit.

Format: exporter-toolkit:docs/web-configuration.md. What Python cannot do, or what a listener of ours has no use for, is
refused by name: a setting that is read and not obeyed would be worse.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stagekeeper.service.files import Reloaded, read_text
from stagekeeper.service.problems import ConfigurationProblem
from stagekeeper.service.tls import ServerContext, ServerTls
from stagekeeper.service.yaml_lines import Section, read_section

_TLS_KEYS = frozenset({"cert_file", "key_file", "client_auth_type", "client_ca_file", "min_version", "max_version"})
_TLS_REFUSED = {
    "cert": "put the certificate into a file and name it in cert_file",
    "key": "put the key into a file and name it in key_file",
    "client_ca": "put the CA into a file and name it in client_ca_file",
    "client_allowed_sans": "give the callers' CA only to callers that may call, or use basic_auth_users",
    "cipher_suites": "the defaults of OpenSSL are used",
    "prefer_server_cipher_suites": "the defaults of OpenSSL are used",
    "curve_preferences": "the defaults of OpenSSL are used",
}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # admits everybody too, and nothing here reads the certificate
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_DEPRECATED_VERSIONS = ("TLS10", "TLS11")

_ANYTHING = re.compile(r"[\x20-\x7e]+")
_HEADERS = {
    "Content-Security-Policy": _ANYTHING,
    "Strict-Transport-Security": _ANYTHING,
    "X-Content-Type-Options": re.compile("nosniff"),
    "X-Frame-Options": re.compile("deny|sameorigin", re.IGNORECASE),
    "X-XSS-Protection": re.compile(r"0|1|1; ?(mode=block|report=[\x21-\x7e]+)"),
}
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_COSTS = range(4, 17)  # cost 16 takes about 4 s of a core; more would let one request occupy a thread for minutes


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says: TLS or none, headers for every answer, bcrypt hashes by user name."""

    tls: ServerTls | None
    headers: Mapping[str, str]
    users: Mapping[str, str]


class WebConfigFile:
    """A web configuration that follows its file, and the certificates that follow theirs.

    A broken new version keeps the one before in force, and says so in the log. TLS cannot be turned on or off without
    a restart: a listener that silently turned to clear text would be worse.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises `ConfigurationProblem`, also for the files that it names."""
        self._path = path
        first = self._parse()
        self._context = None if first.tls is None else ServerContext(first.tls)
        self._reloaded = Reloaded("The web configuration", [path], self._load)
        self._reloaded.current()

    @property
    def problem(self) -> str | None:
        """Why the newest file, or a certificate that it names, is not in force; None when all are."""
        if self._reloaded.problem is not None or self._context is None:
            return self._reloaded.problem
        return self._context.problem

    @property
    def listening_context(self) -> ssl.SSLContext | None:
        """The TLS context to listen with, for the whole life of a listener; None for clear text."""
        return None if self._context is None else self._context.listening

    def current(self) -> WebConfig:
        """Return the newest usable configuration; call it for each connection, so that TLS settings follow too."""
        return self._reloaded.current()

    def _parse(self) -> WebConfig:
        return parse_web_config(read_text(self._path, "The web configuration"), self._path)

    def _load(self) -> WebConfig:
        config = self._parse()
        if (config.tls is None) != (self._context is None):
            raise ConfigurationProblem(f"{self._path}: turning TLS on or off needs a restart.")
        if config.tls is not None and self._context is not None:
            self._context.use(config.tls)
        return config


def parse_web_config(text: str, path: Path) -> WebConfig:
    """Return what the text says; raise `ConfigurationProblem` with key and line. `path` roots relative file names."""
    whole = read_section(text, path)
    whole.refuse_all_but(
        ("tls_server_config", "http_server_config", "basic_auth_users"),
        {"rate_limit": "limit requests in front of the program, or with a NetworkPolicy"},
    )
    return WebConfig(
        tls=_tls(whole.section("tls_server_config"), path.parent),
        headers=MappingProxyType(_headers(whole.section("http_server_config"))),
        users=MappingProxyType(_users(whole.section("basic_auth_users"))),
    )


def _tls(section: Section, folder: Path) -> ServerTls | None:
    section.refuse_all_but(_TLS_KEYS, _TLS_REFUSED)
    if not section.entries:
        return None
    client_ca = section.text("client_ca_file")
    tls = ServerTls(
        cert_file=folder / _needed(section, "cert_file"),
        key_file=folder / _needed(section, "key_file"),
        client_ca_file=None if client_ca is None else folder / client_ca,
        client_verification=_client_verification(section),
        min_version=_version(section, "min_version", ssl.TLSVersion.TLSv1_2),
        max_version=_version(section, "max_version", ssl.TLSVersion.TLSv1_3),
    )
    if tls.min_version > tls.max_version:
        raise section.wrong("min_version", "is above max_version")
    return tls


def _needed(section: Section, key: str) -> str:
    value = section.text(key)
    if value is None:
        raise ConfigurationProblem(f"{section.path}: {section.name}.{key} is missing.")
    return value


def _client_verification(section: Section) -> ssl.VerifyMode:
    name = section.text("client_auth_type") or "NoClientCert"
    if name in _UNVERIFIED:
        raise section.wrong("client_auth_type", f"{name!r} would trust any certificate; use RequireAndVerifyClientCert")
    if name not in _CLIENT_AUTH:
        raise section.wrong("client_auth_type", f"is {name!r}; known: {', '.join(_CLIENT_AUTH)}")
    mode = _CLIENT_AUTH[name]
    has_ca = section.text("client_ca_file") is not None
    if mode != ssl.CERT_NONE and not has_ca:
        raise section.wrong("client_auth_type", f"{name!r} needs client_ca_file")
    if mode == ssl.CERT_NONE and has_ca:
        raise section.wrong(
            "client_ca_file", f"has no effect with client_auth_type {name!r}; set RequireAndVerifyClientCert"
        )
    return mode


def _version(section: Section, key: str, default: ssl.TLSVersion) -> ssl.TLSVersion:
    name = section.text(key)
    if name is None:
        return default
    if name in _DEPRECATED_VERSIONS:
        raise section.wrong(key, f"is {name!r}, which is no longer secure (RFC 8996); use TLS12 or TLS13")
    if name not in _VERSIONS:
        raise section.wrong(key, f"is {name!r}; known: {', '.join(_VERSIONS)}")
    return _VERSIONS[name]


def _headers(section: Section) -> dict[str, str]:
    section.refuse_all_but(("http2", "headers"), {})
    if section.boolean("http2", default=False):
        raise section.wrong("http2", "cannot be true: this program speaks HTTP/1.1")
    headers = section.section("headers")
    headers.refuse_all_but(_HEADERS, {})
    return {name: _header(headers, name) for name in headers.entries}


def _header(section: Section, name: str) -> str:
    value = section.text(name) or ""
    if not _HEADERS[name].fullmatch(value):
        raise section.wrong(name, f"cannot be {value!r}")
    return value


def _users(section: Section) -> dict[str, str]:
    return {user: _bcrypt_hash(section, user) for user in section.entries}


def _bcrypt_hash(section: Section, user: str) -> str:
    hashed = section.text(user) or ""
    found = _BCRYPT.fullmatch(hashed)
    if found is None:  # the value stays out of the message: it may be the clear password
        raise section.wrong(user, "is no bcrypt hash; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'")
    if int(found["cost"]) not in _COSTS:
        raise section.wrong(user, f"has a bcrypt cost outside {_COSTS.start} to {_COSTS.stop - 1}")
    return hashed
