"""`--web.config.file`: TLS, basic authentication and headers, in the format of Prometheus' exporter-toolkit.

Format: exporter-toolkit:docs/web-configuration.md. What Python can't do, or what a listener of ours has no use for, is
refused by name: a setting that is read and not obeyed would be worse.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from stagekeeper.config.document import parse
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.config.model import Strict
from stagekeeper.config.validation import validate
from stagekeeper.service.files import Reloaded, read_text
from stagekeeper.service.tls import ServerContext, ServerTls

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # admits everybody too, and nothing here reads the certificate
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_DEPRECATED_VERSIONS = ("TLS10", "TLS11")
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_COSTS = range(4, 17)
"""Cost 16 takes about 4 s of a core; more would let one request occupy a thread for minutes."""
_OPENSSL = "the defaults of OpenSSL are used"


def _client_auth(name: Any) -> ssl.VerifyMode:
    if name in _UNVERIFIED:
        raise ValueError(f"can't be {name}, which would trust any certificate; use RequireAndVerifyClientCert")
    if not isinstance(name, str) or name not in _CLIENT_AUTH:
        raise ValueError(f"must be one of {', '.join(_CLIENT_AUTH)}")
    return _CLIENT_AUTH[name]


def _version(name: Any) -> ssl.TLSVersion:
    if name in _DEPRECATED_VERSIONS:
        raise ValueError(f"can't be {name}, which is no longer secure (RFC 8996); use TLS12 or TLS13")
    if not isinstance(name, str) or name not in _VERSIONS:
        raise ValueError(f"must be one of {', '.join(_VERSIONS)}")
    return _VERSIONS[name]


def _http1(value: Any) -> bool:
    if value is not False:
        raise ValueError("must be false: this program speaks HTTP/1.1")
    return False


def _bcrypt_hash(value: str) -> str:
    found = _BCRYPT.fullmatch(value)
    if found is None:
        raise ValueError("must be a bcrypt hash; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'")
    if int(found["cost"]) not in _COSTS:
        raise ValueError(f"must have a bcrypt cost from {_COSTS.start} to {_COSTS.stop - 1}")
    return value


def _like(pattern: str, example: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[str], str]:
    known = re.compile(pattern, flags)

    def check(value: str) -> str:
        if not known.fullmatch(value):
            raise ValueError(f"must be {example}")
        return value

    return check


_Header = Annotated[str, AfterValidator(_like(r"[\x20-\x7e]+", "printable ASCII on one line"))]
_User = Annotated[str, AfterValidator(_like("[^:]+", "a user name without a colon, which would end it (RFC 7617)"))]
_NoSniff = Annotated[str, AfterValidator(_like("nosniff", "nosniff"))]
_Frames = Annotated[str, AfterValidator(_like("deny|sameorigin", "deny or sameorigin", re.IGNORECASE))]
_Xss = Annotated[str, AfterValidator(_like(r"0|1|1; ?(mode=block|report=[\x21-\x7e]+)", "0, 1 or 1; mode=block"))]


class _Section(Strict):
    """Empty means absent, as in the toolkit; a number is its text (`X-XSS-Protection: 0`, a user called 7)."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {each for name, info in cls.model_fields.items() for each in (name, info.alias)}
        return {key: each for key, each in value.items() if key not in known or each not in (None, "", {})}


class _Tls(_Section):
    refused: ClassVar[Mapping[str, str]] = {
        "cert": "put the certificate into a file and name it in cert_file",
        "key": "put the key into a file and name it in key_file",
        "client_ca": "put the CA into a file and name it in client_ca_file",
        "client_allowed_sans": "give the callers' CA only to callers that may call, or use basic_auth_users",
        "cipher_suites": _OPENSSL,
        "prefer_server_cipher_suites": _OPENSSL,
        "curve_preferences": _OPENSSL,
    }
    cert_file: Path
    key_file: Path
    client_auth_type: Annotated[ssl.VerifyMode, BeforeValidator(_client_auth)] = ssl.CERT_NONE
    client_ca_file: Path | None = None
    min_version: Annotated[ssl.TLSVersion, BeforeValidator(_version)] = ssl.TLSVersion.TLSv1_2
    max_version: Annotated[ssl.TLSVersion, BeforeValidator(_version)] = ssl.TLSVersion.TLSv1_3

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.min_version > self.max_version:
            raise ValueError("min_version is above max_version")
        if self.client_auth_type != ssl.CERT_NONE and self.client_ca_file is None:
            raise ValueError("client_auth_type needs client_ca_file")
        if self.client_auth_type == ssl.CERT_NONE and self.client_ca_file is not None:
            raise ValueError("client_ca_file has no effect unless client_auth_type is RequireAndVerifyClientCert")
        return self

    def rooted(self, folder: Path) -> ServerTls:
        """As a listener needs it; relative paths start in `folder`."""
        ca = None if self.client_ca_file is None else folder / self.client_ca_file
        files = folder / self.cert_file, folder / self.key_file, ca
        return ServerTls(*files, self.client_auth_type, self.min_version, self.max_version)


class _Headers(_Section):
    csp: Annotated[_Header | None, Field(alias="Content-Security-Policy")] = None
    sts: Annotated[_Header | None, Field(alias="Strict-Transport-Security")] = None
    sniff: Annotated[_NoSniff | None, Field(alias="X-Content-Type-Options")] = None
    frames: Annotated[_Frames | None, Field(alias="X-Frame-Options")] = None
    xss: Annotated[_Xss | None, Field(alias="X-XSS-Protection")] = None


class _HttpServer(_Section):
    http2: Annotated[bool, BeforeValidator(_http1)] = False
    headers: _Headers = _Headers()


class _File(_Section):
    refused: ClassVar[Mapping[str, str]] = {
        "rate_limit": "limit requests in front of the program, or with a NetworkPolicy"
    }
    tls_server_config: _Tls | None = None
    http_server_config: _HttpServer = _HttpServer()
    basic_auth_users: dict[_User, Annotated[str, AfterValidator(_bcrypt_hash)]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says: TLS or none, headers for every answer, bcrypt hashes by user name."""

    tls: ServerTls | None
    headers: Mapping[str, str]
    users: Mapping[str, str]


def parse_web_config(text: str, path: Path) -> WebConfig:
    """What the text says; `path` roots relative file names. Raises `ConfigurationError`, a line for each mistake."""
    document = parse(text, str(path), sections=())
    file = validate(_File, document.data, document, ())
    return WebConfig(
        tls=None if file.tls_server_config is None else file.tls_server_config.rooted(path.parent),
        headers=MappingProxyType(file.http_server_config.headers.model_dump(by_alias=True, exclude_none=True)),
        users=MappingProxyType(file.basic_auth_users),
    )


class WebConfigFile:
    """A web configuration that follows its file, and the certificates that follow theirs.

    A broken new version keeps the one before in force, and says so in the log. TLS can't be turned on or off without a
    restart: a listener that silently turned to clear text would be worse.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. Raises `ConfigurationError`, also for the files that it names."""
        self._path = path
        first = self._parse()
        self._context = None if first.tls is None else ServerContext(first.tls)
        self._reloaded = Reloaded("The web configuration", [path], self._load)
        self._reloaded.current()

    @property
    def listening_context(self) -> ssl.SSLContext | None:
        """The TLS context to listen with, for the whole life of a listener; None for clear text."""
        return None if self._context is None else self._context.listening

    def current(self) -> WebConfig:
        """The newest usable configuration; to be called for each connection, so that TLS settings follow too."""
        return self._reloaded.current()

    def _parse(self) -> WebConfig:
        return parse_web_config(read_text(self._path, "The web configuration"), self._path)

    def _load(self) -> WebConfig:
        config = self._parse()
        if (config.tls is None) != (self._context is None):
            raise ConfigurationError(f"{self._path}: turning TLS on or off needs a restart.")
        if config.tls is not None and self._context is not None:
            self._context.use(config.tls)
        return config
