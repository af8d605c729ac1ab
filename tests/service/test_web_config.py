import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme
from structlog.testing import capture_logs

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.tls import TlsFilesError
from stagekeeper.service.web_config import WebConfigFile, parse_web_config
from tests.service.kit import PemFiles, Serve, hello, trusting

HASH = "$2b$04$m1zQ0d6PzvxbJ1YEf/zbtOsfW.T6e5PiQ7HKjPnp3H92Qk1fiYah6"  # of the letter x
PATH = Path("/etc/web.yml")

FULL = f"""
tls_server_config:
  cert_file: tls.crt
  key_file: /keys/tls.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
  max_version: TLS13
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
basic_auth_users:
  prometheus: {HASH}
"""


def test_a_full_file_is_understood_and_its_paths_are_relative_to_it() -> None:
    config = parse_web_config(FULL, PATH)
    assert config.tls is not None
    assert config.tls.files == [Path("/etc/tls.crt"), Path("/keys/tls.key"), Path("/etc/ca.crt")]
    assert config.tls.client_verification == ssl.CERT_REQUIRED
    assert config.tls.min_version == ssl.TLSVersion.TLSv1_3
    assert dict(config.headers) == {"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "deny"}
    assert dict(config.users) == {"prometheus": HASH}


def test_a_header_without_a_value_is_not_sent() -> None:
    """As exporter-toolkit's own documentation has it: "unset if blank"."""
    blank = "\n".join(
        f'    {name}: ""' for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-XSS-Protection")
    )
    config = parse_web_config(f"http_server_config:\n  headers:\n{blank}\n    X-Frame-Options: deny\n", PATH)
    assert dict(config.headers) == {"X-Frame-Options": "deny"}


EMPTY = "tls_server_config: {}\nhttp_server_config: {headers: {X-Frame-Options: ''}}\nbasic_auth_users:\n"


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "tls_server_config:\nbasic_auth_users: {}\n", EMPTY])
def test_an_empty_file_asks_for_nothing(text: str) -> None:
    config = parse_web_config(text, PATH)
    assert (config.tls, dict(config.headers), dict(config.users)) == (None, {}, {})


def test_numbers_and_truths_are_the_text_that_they_are_in_the_toolkit() -> None:
    headers = "http_server_config: {headers: {X-XSS-Protection: 0}}\n"
    config = parse_web_config(f"{headers}basic_auth_users:\n  7: {HASH}\n  no: {HASH}\n", PATH)
    assert dict(config.headers) == {"X-XSS-Protection": "0"}
    assert set(config.users) == {"7", "no"}


TLS = "tls_server_config:\n  cert_file: a\n  key_file: b\n"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("NoClientCert", ssl.CERT_NONE),
        ("RequestClientCert", ssl.CERT_NONE),
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
def test_the_toolkits_client_auth_types_are_understood(name: str, mode: ssl.VerifyMode) -> None:
    ca = "" if mode == ssl.CERT_NONE else "  client_ca_file: c\n"
    config = parse_web_config(f"{TLS}  client_auth_type: {name}\n{ca}", PATH)
    assert config.tls is not None
    assert config.tls.client_verification == mode


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "/etc/web.yml:1: is not valid YAML: "),
        ("- a\n", "/etc/web.yml: the file must be a mapping."),
        ("a: b\n---\nc: d", "/etc/web.yml:2: is not valid YAML: "),
        ("a\0b", "/etc/web.yml: is not valid YAML: "),
        (
            "\ntls_server: {}\n",
            (
                "/etc/web.yml:2: tls_server: unknown key (did you mean tls_server_config?). "
                "Known are tls_server_config, http_server_config, basic_auth_users."
            ),
        ),
        (
            "rate_limit: {interval: 1s}\n",
            (
                "/etc/web.yml:1: rate_limit: is not supported: "
                "limit requests in front of the program, or with a NetworkPolicy."
            ),
        ),
        (
            TLS + "  cert: x\n",
            (
                "/etc/web.yml:4: tls_server_config.cert: is not supported: "
                "put the certificate into a file and name it in cert_file."
            ),
        ),
        (
            TLS + "  client_allowed_sans: [a]\n",
            (
                "/etc/web.yml:4: tls_server_config.client_allowed_sans: is not supported: "
                "give the callers' CA only to callers that may call, or use basic_auth_users."
            ),
        ),
        (
            TLS + "  cert_file: c\n",
            "/etc/web.yml:4: tls_server_config.cert_file: is given twice; the first is on line 2.",
        ),
        (
            "tls_server_config:\n  cert_file: a\n",
            "/etc/web.yml:1: tls_server_config.key_file: is missing and has no default.",
        ),
        (
            "tls_server_config: x\n",
            "/etc/web.yml:1: tls_server_config: must be a mapping; its keys are cert_file, key_file, client_auth_type,",
        ),
        (
            "tls_server_config:\n  cert_file: [a]\n  key_file: b\n",
            "/etc/web.yml:2: tls_server_config.cert_file: must be the path of a file.",
        ),
        (
            TLS + "  client_auth_type: RequireAnyClientCert\n",
            (
                "/etc/web.yml:4: tls_server_config.client_auth_type: can't be RequireAnyClientCert, which would trust "
                "any certificate; use RequireAndVerifyClientCert."
            ),
        ),
        (
            TLS + "  client_auth_type: Maybe\n",
            (
                "/etc/web.yml:4: tls_server_config.client_auth_type: must be one of NoClientCert, RequestClientCert, "
                "VerifyClientCertIfGiven, RequireAndVerifyClientCert. It is 'Maybe'."
            ),
        ),
        (
            TLS + "  client_auth_type: [a]\n",
            "/etc/web.yml:4: tls_server_config.client_auth_type: must be one of ",
        ),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            "/etc/web.yml:1: tls_server_config: client_auth_type needs client_ca_file.",
        ),
        (
            TLS + "  client_ca_file: c\n",
            (
                "/etc/web.yml:1: tls_server_config: client_ca_file has no effect unless client_auth_type is "
                "RequireAndVerifyClientCert."
            ),
        ),
        (
            TLS + "  min_version: TLS10\n",
            (
                "/etc/web.yml:4: tls_server_config.min_version: can't be TLS10, which is no longer secure (RFC 8996); "
                "use TLS12 or TLS13."
            ),
        ),
        (
            TLS + "  max_version: SSL\n",
            "/etc/web.yml:4: tls_server_config.max_version: must be one of TLS12, TLS13. It is 'SSL'.",
        ),
        (
            TLS + "  min_version: TLS13\n  max_version: TLS12\n",
            "/etc/web.yml:1: tls_server_config: min_version is above max_version.",
        ),
        (
            "http_server_config:\n  http2: true\n",
            "/etc/web.yml:2: http_server_config.http2: must be false: this program speaks HTTP/1.1. It is true.",
        ),
        (
            "http_server_config:\n  headers:\n    Server: x\n",
            (
                "/etc/web.yml:3: http_server_config.headers.Server: unknown key. Known are "
                "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
                "X-XSS-Protection."
            ),
        ),
        (
            'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\r\\nb"\n',
            (
                "/etc/web.yml:3: http_server_config.headers.Content-Security-Policy: must be printable ASCII on one "
                "line. It is 'a\\r\\nb'."
            ),
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            "/etc/web.yml:3: http_server_config.headers.X-Frame-Options: must be deny or sameorigin. It is 'allow'.",
        ),
        (
            "basic_auth_users:\n  me: clear-password\n",
            (
                "/etc/web.yml:2: basic_auth_users.me: must be a bcrypt hash; make one with: "
                "htpasswd -nBC 10 \"\" | tr -d ':\\n'."
            ),
        ),
        (
            f"basic_auth_users:\n  'me:too': {HASH}\n",
            "/etc/web.yml:2: basic_auth_users.me:too: must be a user name without a colon, which would end it",
        ),
        (
            f"basic_auth_users:\n  me: {HASH.replace('$04$', '$31$')}\n",
            "/etc/web.yml:2: basic_auth_users.me: must have a bcrypt cost from 4 to 16.",
        ),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_key_and_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_web_config(text, PATH)
    assert str(raised.value).startswith(complaint)
    assert "clear-password" not in str(raised.value)


def test_certificate_files_are_read_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(TLS)
    with pytest.raises(TlsFilesError, match=r"The certificate file .*/a can't be read"):
        WebConfigFile(tmp_path / "web.yml")


def test_turning_tls_on_needs_a_restart(tmp_path: Path, pem_files: PemFiles) -> None:
    path = tmp_path / "web.yml"
    path.write_text("")
    web_config = WebConfigFile(path)
    path.write_text(f"tls_server_config:\n  cert_file: {pem_files.cert}\n  key_file: {pem_files.key}\n")
    with capture_logs() as logs:
        assert web_config.current().tls is None
    assert f"{path}: turning TLS on or off needs a restart." in str(logs)


async def test_tls_headers_and_their_changes_reach_the_listener(
    tmp_path: Path, pem_files: PemFiles, serve: Serve, authority: trustme.CA
) -> None:
    path = tmp_path / "web.yml"
    tls = f"tls_server_config:\n  cert_file: {pem_files.cert}\n  key_file: {pem_files.key}\n"
    path.write_text(tls)
    url = await serve(hello(), web_config=WebConfigFile(path))
    assert url.startswith("https://")

    async def fetch() -> aiohttp.ClientResponse:
        connector = aiohttp.TCPConnector(ssl=trusting(authority))
        async with aiohttp.ClientSession(connector=connector) as client, client.get(url) as response:
            return response

    assert "X-Frame-Options" not in (await fetch()).headers
    path.write_text(tls + "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
    assert (await fetch()).headers["X-Frame-Options"] == "deny"
    path.write_text("broken: true")
    assert (await fetch()).headers["X-Frame-Options"] == "deny"
    path.write_text(tls + f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {pem_files.ca}\n")
    with pytest.raises(aiohttp.ClientError):
        await fetch()
