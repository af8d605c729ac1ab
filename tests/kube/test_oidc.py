"""`auth-provider: oidc`: tokens renewed over a way that is verified, or not at all."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from aiohttp import web
from structlog.testing import CapturingLogger

from stagekeeper.kube.client import NoCluster, connect
from stagekeeper.kube.errors import Unauthorized
from tests.kube.api_server import ApiServer, Request, answering, api_server, kubeconfig, refusing, saying
from tests.kube.certificates import authority, issued
from tests.kube.clock import Clock
from tests.kube.test_trust import data

ENOUGH = 60.0
REFRESH, SECRET = "R3fresh-token.of~the/user+x==", "C1ient-secret"
PUBLIC = {"client-secret": None}


def jwt(lifetime: timedelta, name: str = "x") -> str:
    """A JSON Web Token whose claims need base64url: `-` and `_` are in it, and no padding."""
    ends = (datetime.now(UTC) + lifetime).timestamp()
    claims = json.dumps({"exp": ends, "name": name, "odd": "\u00ff\u00fe??>>~~~"}, ensure_ascii=False).encode()
    return f"eyJhbGciOiJub25lIn0.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.sig"


EXPIRED, VALID = jwt(timedelta(minutes=-5), "old"), jwt(timedelta(hours=1), "valid")


@dataclass
class Provider:
    """An issuer of tokens."""

    server: ApiServer
    given: dict[str, Any] = field(default_factory=lambda: {"id_token": jwt(timedelta(hours=1), "new")})
    wants: str = "basic"
    """`basic` or `form`: how the client's secret is taken."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A token, to a client that proves itself as is wanted."""
        form = parse_qs(self.asked[-1].body)
        proven = "Authorization" in request.headers if self.wants == "basic" else "client_id" in form
        if form.get("refresh_token") != [REFRESH]:
            return web.json_response({"error": "invalid_grant", "error_description": f"not {form}"}, status=400)
        return web.json_response(self.given) if proven else web.json_response({"error": "invalid_client"}, status=401)

    @property
    def asked(self) -> list[Request]:
        """The requests for a token."""
        return [each for each in self.server.requests if each.path == "/token"]


@asynccontextmanager
async def provider(by: str = "provider") -> AsyncIterator[Provider]:
    """A running one, whose certificate the CA `by` has issued."""
    async with api_server(issued(by=by).server()) as server:
        running = Provider(server)
        server.answers["/.well-known/openid-configuration"] = answering({"token_endpoint": f"{server.url}/token"})
        server.answers["/token"] = running.answer
        yield running


def user(issuer: str, token: str | None = EXPIRED, **more: Any) -> dict[str, Any]:
    """A user entry of a kubeconfig; keys with underscores for hyphens."""
    config = {
        "client-id": "kube",
        "client-secret": SECRET,
        "id-token": token,
        "idp-issuer-url": f"{issuer}/",
        "idp-certificate-authority-data": data(authority("provider").cert_pem.bytes()),
        "refresh-token": REFRESH,
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    known = {key: value for key, value in config.items() if value is not None}
    return {"auth-provider": {"name": "oidc", "config": known}}


async def asked(folder: Path, entry: Mapping[str, Any]) -> str:
    """The token of one request to an API server."""
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(folder / "kubeconfig", server.url, entry)) as kube:
            await kube.get("/version", timeout=ENOUGH)
    return server.requests[0].headers["Authorization"].removeprefix("Bearer ")


async def why_not(folder: Path, entry: Mapping[str, Any]) -> str:
    with pytest.raises(NoCluster) as raised:
        await asked(folder, entry)
    said = str(raised.value)
    assert "\n" not in said
    assert [each for each in (REFRESH, SECRET, EXPIRED, VALID) if each in said] == []
    return said


async def test_a_token_that_lasts_is_used_and_nobody_is_asked(tmp_path: Path) -> None:
    async with provider() as issuer:
        assert await asked(tmp_path, user(issuer.server.url, VALID)) == VALID
    assert issuer.server.requests == []


@pytest.mark.parametrize("token", [EXPIRED, None])
async def test_one_that_has_ended_is_renewed(token: str | None, tmp_path: Path) -> None:
    async with provider() as issuer:
        before = kubeconfig(tmp_path / "same", "x", user(issuer.server.url, token)).read_text()
        assert await asked(tmp_path, user(issuer.server.url, token)) == issuer.given["id_token"]
    (request,) = issuer.asked
    assert parse_qs(request.body) == {"grant_type": ["refresh_token"], "refresh_token": [REFRESH]}
    assert request.headers["Authorization"] == f"Basic {base64.b64encode(f'kube:{SECRET}'.encode()).decode()}"
    same = yaml.safe_load((tmp_path / "kubeconfig").read_text())["users"]
    assert same == yaml.safe_load(before)["users"]  # the file is left alone: its refresh token is still good


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(tmp_path: Path) -> None:
    async with provider() as issuer:
        issuer.wants = "form"
        assert await asked(tmp_path, user(issuer.server.url)) == issuer.given["id_token"]
    assert parse_qs(issuer.asked[-1].body)["client_secret"] == [SECRET]


async def test_a_public_client_proves_nothing(tmp_path: Path) -> None:
    async with provider() as issuer:
        issuer.wants = "form"
        assert await asked(tmp_path, user(issuer.server.url, **PUBLIC)) == issuer.given["id_token"]
    (request,) = issuer.asked
    assert "Authorization" not in request.headers
    assert "client_secret" not in request.body


async def test_the_providers_ca_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "idp.crt").write_bytes(authority("provider").cert_pem.bytes())
    files = {"idp_certificate_authority": "idp.crt", "idp_certificate_authority_data": None}
    async with provider() as issuer:
        assert await asked(tmp_path, user(issuer.server.url, **files)) == issuer.given["id_token"]


async def test_a_token_that_ends_while_we_run_is_renewed(tmp_path: Path, clock: Clock) -> None:
    async with provider() as issuer, api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, user(issuer.server.url, VALID))) as kube:
            await kube.get("/version", timeout=ENOUGH)
            issuer.given = {"id_token": jwt(timedelta(hours=3))}
            clock.ahead = 2 * 3600
            await kube.get("/version", timeout=ENOUGH)
    sent = [each.headers["Authorization"].removeprefix("Bearer ") for each in server.requests]
    assert sent == [VALID, issuer.given["id_token"]]


async def test_a_token_that_the_api_refuses_is_renewed_once(tmp_path: Path) -> None:
    async with provider() as issuer, api_server() as server:
        server.answers["*"] = refusing(401)
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, user(issuer.server.url, VALID))) as kube:
            for _ in range(3):
                with pytest.raises(Unauthorized):
                    await kube.get("/version", timeout=ENOUGH)
    assert len(issuer.asked) == 1


# The new refresh token


async def test_a_new_refresh_token_takes_the_place_of_the_old_one_and_nothing_else_changes(tmp_path: Path) -> None:
    async with provider() as issuer:
        issuer.given["refresh_token"] = "N3w-refresh-token"
        async with api_server() as server:
            server.answers["*"] = answering({})
            path = kubeconfig(tmp_path / "kubeconfig", server.url, user(issuer.server.url))
            path.write_text(text := f"# by hand\n{path.read_text()}")
            path.chmod(0o640)
            async with connect(path) as kube:
                await kube.get("/version", timeout=ENOUGH)
    assert path.read_text() == text.replace(REFRESH, "N3w-refresh-token")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [*tmp_path.glob("*kubeconfig*")] == [path]  # noqa: ASYNC240 -- a test's own folder


@pytest.mark.parametrize("case", ["locked", "folded", "odd"])
async def test_one_that_can_not_be_written_is_said_and_used(case: str, tmp_path: Path, logged: CapturingLogger) -> None:
    async with provider() as issuer:
        issuer.given["refresh_token"] = "odd: #" if case == "odd" else "N3w-refresh-token"
        path = kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", user(issuer.server.url))
        if case == "folded":
            path.write_text(path.read_text().replace(REFRESH, f"'{REFRESH[:5]}\\\n{REFRESH[5:]}'").replace("'", '"'))
        if case == "locked":
            (tmp_path / "kubeconfig.lock").touch()
        before = path.read_text()
        async with connect(path):
            pass
    assert path.read_text() == before
    said = str(logged.calls)
    assert "be written to the kubeconfig" in said
    assert "N3w" not in said
    assert REFRESH not in said


# Never sent


async def test_nothing_is_sent_to_a_provider_whose_certificate_is_not_trusted(tmp_path: Path) -> None:
    async with provider(by="somebody else") as issuer:
        said = await why_not(tmp_path, user(issuer.server.url))
    assert issuer.server.requests == []
    assert "CERTIFICATE_VERIFY_FAILED" in said or "not trusted" in said


async def test_without_a_ca_of_its_own_the_systems_must_know_the_provider(tmp_path: Path) -> None:
    async with provider() as issuer:
        await why_not(tmp_path, user(issuer.server.url, idp_certificate_authority_data=None))
    assert issuer.server.requests == []


async def test_nothing_is_sent_without_tls(tmp_path: Path) -> None:
    async with api_server() as server:
        assert "only https:// is safe" in await why_not(tmp_path, user(server.url))
        assert server.requests == []
    async with provider() as issuer, api_server() as plain:
        endpoint = {"token_endpoint": f"{plain.url}/token"}
        issuer.server.answers["/.well-known/openid-configuration"] = answering(endpoint)
        assert "only https:// is safe" in await why_not(tmp_path, user(issuer.server.url))
    assert (issuer.asked, plain.requests) == ([], [])


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
async def test_no_redirect_is_followed(path: str, tmp_path: Path) -> None:
    async with provider() as issuer, api_server() as elsewhere:
        issuer.server.answers[path] = answering({}, 307, Location=f"{elsewhere.url}/token")
        assert "HTTP 307" in await why_not(tmp_path, user(issuer.server.url))
    assert elsewhere.requests == []


CASES: dict[str, tuple[str, Any, str]] = {
    "no discovery": ("/.well-known/openid-configuration", refusing(404), "can't be read (HTTP 404)"),
    "no endpoint": ("/.well-known/openid-configuration", answering({}), "can't be read (HTTP 200)"),
    "a page": ("/.well-known/openid-configuration", saying("<html>"), "openid-configuration can't be read"),
    "a list": ("/.well-known/openid-configuration", answering([REFRESH]), "openid-configuration can't be read"),
    "a number": ("/.well-known/openid-configuration", answering({"token_endpoint": 7}), "can't be read"),
    "too much": ("/.well-known/openid-configuration", saying(" " * 2**21), "its answer is too large"),
    "no token": ("/token", answering({"access_token": REFRESH}), "has no id_token"),
    "a token that is none": ("/token", answering({"id_token": f"{SECRET}.x"}), "is not a JSON Web Token"),
    "claims that are none": ("/token", answering({"id_token": f"a.{data(b'[1]')}.c"}), "is not a JSON Web Token"),
    "a void grant": (
        "/token", answering({"error": "invalid_grant", "error_description": f"{REFRESH} is void"}, 400),
        "HTTP 400 invalid_grant [hidden] is void",
    ),
    "an expired token": ("/token", answering({"id_token": EXPIRED}), "has expired"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_what_a_provider_gets_wrong_is_said_without_a_secret(case: str, tmp_path: Path) -> None:
    path, answer, words = CASES[case]
    async with provider() as issuer:
        issuer.server.answers[path] = answer
        said = await why_not(tmp_path, user(issuer.server.url))
    assert words in said
    assert "expired" in words or 'auth-provider oidc of user "me"' in said


ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "no refresh token": ({"refresh_token": None}, "there is no refresh-token: log in again"),
    "no issuer": ({"idp_issuer_url": None}, "idp-issuer-url and client-id must be given"),
    "no client": ({"client_id": None}, "idp-issuer-url and client-id must be given"),
    "a token that is none": ({"id_token": f"x.{SECRET}"}, "id-token is not a JSON Web Token"),
    "a CA that is none": ({"idp_certificate_authority_data": data(SECRET.encode())}, "no certificate in PEM"),
    "no config": ({}, "idp-issuer-url and client-id must be given"),
}


@pytest.mark.parametrize("case", ENTRIES)
async def test_an_entry_that_can_not_be_used_is_said(case: str, tmp_path: Path) -> None:
    changed, words = ENTRIES[case]
    entry = user("https://127.0.0.1:1", **changed) if changed else {"auth-provider": {"name": "oidc"}}
    assert words in await why_not(tmp_path, entry)
