import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from stagekeeper.service.problems import ConfigurationProblem
from stagekeeper.service.tls import TlsFilesProblem
from stagekeeper.service.web_config import WebConfigFile, parse_web_config
from tests.service.kit import Hello, PemFiles, Serve, Trusting

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


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "tls_server_config:\nbasic_auth_users: {}\n"])
def test_an_empty_file_asks_for_nothing(text: str) -> None:
    config = parse_web_config(text, PATH)
    assert (config.tls, dict(config.headers), dict(config.users)) == (None, {}, {})


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
        ("a: [", "/etc/web.yml, line 1: this is not YAML: expected the node content, but found '<stream end>'."),
        ("- a\n", "/etc/web.yml, line 1: the file must be a mapping of keys to values."),
        ("a: b\n---\nc: d", "/etc/web.yml, line 2: this is not YAML: but found another document."),
        ("a\0b", "/etc/web.yml: this is not YAML: unacceptable character #x0000: special characters are not allowed"),
        ("[1]: 2", "/etc/web.yml, line 1: a key must be a single word."),
        (
            "\ntls_server: {}\n",
            (
                "/etc/web.yml, line 2: tls_server is unknown; "
                "known here: basic_auth_users, http_server_config, tls_server_config."
            ),
        ),
        (
            TLS + "  cert: x\n",
            (
                "/etc/web.yml, line 4: tls_server_config.cert is not supported: "
                "put the certificate into a file and name it in cert_file."
            ),
        ),
        (
            TLS + "  client_allowed_sans: [a]\n",
            (
                "/etc/web.yml, line 4: tls_server_config.client_allowed_sans is not supported: "
                "give the callers' CA only to callers that may call, or use basic_auth_users."
            ),
        ),
        (TLS + "  cert_file: c\n", "/etc/web.yml, line 4: the key 'cert_file' is given twice."),
        ("tls_server_config:\n  cert_file: a\n", "/etc/web.yml: tls_server_config.key_file is missing."),
        ("tls_server_config: x\n", "/etc/web.yml, line 1: tls_server_config must be a mapping of keys to values."),
        (
            "tls_server_config:\n  cert_file: [a]\n",
            "/etc/web.yml, line 2: tls_server_config.cert_file must be a single value.",
        ),
        (
            TLS + "  client_auth_type: RequireAnyClientCert\n",
            (
                "/etc/web.yml, line 4: tls_server_config.client_auth_type 'RequireAnyClientCert' would trust any "
                "certificate; use RequireAndVerifyClientCert."
            ),
        ),
        (
            TLS + "  client_auth_type: Yes\n",
            (
                "/etc/web.yml, line 4: tls_server_config.client_auth_type is 'Yes'; known: NoClientCert, "
                "RequestClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert."
            ),
        ),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            (
                "/etc/web.yml, line 4: tls_server_config.client_auth_type 'RequireAndVerifyClientCert' "
                "needs client_ca_file."
            ),
        ),
        (
            TLS + "  client_ca_file: c\n",
            (
                "/etc/web.yml, line 4: tls_server_config.client_ca_file has no effect with client_auth_type "
                "'NoClientCert'; set RequireAndVerifyClientCert."
            ),
        ),
        (
            TLS + "  min_version: TLS10\n",
            (
                "/etc/web.yml, line 4: tls_server_config.min_version is 'TLS10', which is no longer secure (RFC 8996); "
                "use TLS12 or TLS13."
            ),
        ),
        (
            TLS + "  max_version: SSL\n",
            "/etc/web.yml, line 4: tls_server_config.max_version is 'SSL'; known: TLS12, TLS13.",
        ),
        (
            TLS + "  min_version: TLS13\n  max_version: TLS12\n",
            "/etc/web.yml, line 4: tls_server_config.min_version is above max_version.",
        ),
        (
            "http_server_config:\n  http2: true\n",
            "/etc/web.yml, line 2: http_server_config.http2 cannot be true: this program speaks HTTP/1.1.",
        ),
        (
            "http_server_config:\n  http2: 1\n",
            "/etc/web.yml, line 2: http_server_config.http2 must be true or false, not '1'.",
        ),
        (
            "http_server_config:\n  headers:\n    Server: x\n",
            (
                "/etc/web.yml, line 3: http_server_config.headers.Server is unknown; known here: "
                "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
                "X-XSS-Protection."
            ),
        ),
        (
            'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\r\\nb"\n',
            "/etc/web.yml, line 3: http_server_config.headers.Content-Security-Policy cannot be 'a\\r\\nb'.",
        ),
        (
            "basic_auth_users:\n  me: clear-password\n",
            (
                "/etc/web.yml, line 2: basic_auth_users.me is no bcrypt hash; make one with: "
                "htpasswd -nBC 10 \"\" | tr -d ':\\n'."
            ),
        ),
        (
            f"basic_auth_users:\n  me: {HASH.replace('$04$', '$31$')}\n",
            "/etc/web.yml, line 2: basic_auth_users.me has a bcrypt cost outside 4 to 16.",
        ),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_key_and_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationProblem) as raised:
        parse_web_config(text, PATH)
    assert str(raised.value).startswith(complaint)


def test_certificate_files_are_read_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(TLS)
    with pytest.raises(TlsFilesProblem, match=r"The certificate file .*/a cannot be read"):
        WebConfigFile(tmp_path / "web.yml")


def test_turning_tls_on_needs_a_restart(tmp_path: Path, pem_files: PemFiles) -> None:
    path = tmp_path / "web.yml"
    path.write_text("")
    web_config = WebConfigFile(path)
    path.write_text(f"tls_server_config:\n  cert_file: {pem_files.cert}\n  key_file: {pem_files.key}\n")
    assert web_config.current().tls is None
    assert web_config.problem == f"{path}: turning TLS on or off needs a restart."


async def test_tls_headers_and_their_changes_reach_the_listener(
    tmp_path: Path, pem_files: PemFiles, serve: Serve, hello: Hello, authority: trustme.CA, trusting: Trusting
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
