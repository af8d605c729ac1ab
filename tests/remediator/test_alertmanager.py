"""What Alertmanager's own API is taken to say, asked of a small server that answers as it, or as worse."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestServer
from structlog.testing import capture_logs

from remediator.alertmanager import Alertmanager, AlertmanagerView, Receivers
from remediator.inputs import AlertState
from remediator.remediation import Request
from remediator.settings import AlertmanagerSettings
from tests.diego import listeners
from tests.kube import certificates
from tests.remediator.receiving import PAYLOADS
from tests.testbed.process import free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NO_JSON = "the answer is {}, not JSON: is this Alertmanager's address?"
STARTS = "2026-11-23T11:58:00.000Z"


@asynccontextmanager
async def asking(
    handler: Handler, prefix: str = "", **settings: Any
) -> AsyncIterator[Callable[..., Awaitable[AlertmanagerView]]]:
    """A function that asks an Alertmanager, which answers by `handler`, about the environment "cf"."""
    app = web.Application()
    app.router.add_get(f"{prefix}/api/v2/alerts/groups", handler)
    matchers = settings.pop("matchers", None)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url(prefix or "/"))
        own = AlertmanagerSettings.model_validate({"url": url, "timeout": 5, **settings})
        alertmanager = Alertmanager(own, session, "StagerUnavailable", Receivers("stagekeeper"), matchers)
        yield partial(alertmanager.ask, "cf")


def group(*alerts: Any, receiver: str = "stagekeeper") -> dict[str, Any]:
    return {"labels": {}, "receiver": {"name": receiver}, "alerts": list(alerts)}


def says(*alerts: Any, receiver: str = "stagekeeper") -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response([group(*alerts, receiver=receiver)])

    return answer


def body(text: bytes, status: int = 200, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=text, status=status, headers=headers)

    return answer


def alert(
    state: Any = "active", environment: str = "cf", name: str = "StagerUnavailable", **status: Any
) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "environment": environment},
        "startsAt": STARTS,
        "fingerprint": "92",
        "status": {"state": state, "silencedBy": [], "inhibitedBy": [], "mutedBy": [], **status},
    }


async def seen(handler: Handler, **settings: Any) -> tuple[AlertState, str]:
    async with asking(handler, **settings) as ask:
        found = await ask()
    return found.view.state, found.view.detail


def test_a_receiver_that_has_called_counts_beside_the_configured_one_and_names_are_bounded() -> None:
    receivers = Receivers("stagekeeper")
    assert ["stagekeeper" in receivers, "cf/team/stagekeeper" in receivers, "sk" in receivers] == [True, True, False]
    with capture_logs() as lines:
        for name in ("sk", "", "n" * 65, "n" * 64, *(f"name{number}" for number in range(99))):
            receivers.called(name)
    assert len(lines) == 100, "those that are not kept would be told of with every call"
    assert ["sk" in receivers, "" in receivers, "n" * 65 in receivers, "n" * 64 in receivers] == [
        True,
        False,
        False,
        True,
    ]
    assert ["name97" in receivers, "name98" in receivers] == [True, False]


async def test_an_active_alert_is_active_and_would_open_a_remediation() -> None:
    """With what is known of it: no field of it is Alertmanager's promise."""
    bare = {"labels": alert()["labels"], "status": {"state": "active", "mutedBy": []}}
    async with asking(says(alert(), bare)) as ask:
        found = await ask()
    assert found.view.state is AlertState.ACTIVE
    asked = Request("cf", alertname="StagerUnavailable")
    assert found.requests == (replace(asked, fingerprint="92", starts_at=STARTS), asked)


async def test_what_alertmanager_0_25_answers_is_understood() -> None:
    recorded = json.loads((PAYLOADS / "alertmanager-0.25-api-alerts.json").read_text())
    assert (await seen(says(*recorded)))[0] is AlertState.ACTIVE


async def test_it_asks_for_one_alert_of_one_environment() -> None:
    asked: list[list[str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query.getall("filter"))
        return web.json_response([])

    await seen(answer)
    assert asked == [['alertname="StagerUnavailable"', 'environment="cf"']]


@pytest.mark.parametrize("prefix", ["/alertmanager", "/api/alertmanager/grafana"])
async def test_a_path_prefix_is_kept(prefix: str) -> None:
    """A reverse proxy's or Mimir's, and Grafana's for the alerts that it manages itself."""
    async with asking(says(alert()), prefix=prefix) as ask:
        assert (await ask()).view.state is AlertState.ACTIVE


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([], (AlertState.ABSENT, "")),
        ([alert("suppressed", silencedBy=["id"])], (AlertState.SUPPRESSED, "silenced")),
        ([alert("suppressed", inhibitedBy=["id"])], (AlertState.SUPPRESSED, "inhibited")),
        ([alert("suppressed")], (AlertState.SUPPRESSED, "suppressed")),
        ([alert("active", mutedBy=["weekend"])], (AlertState.SUPPRESSED, "muted")),
        ([alert(), alert("suppressed", silencedBy=["id"])], (AlertState.SUPPRESSED, "silenced")),
        ([alert("unprocessed")], (AlertState.ACTIVE, "")),
        ([{}], (AlertState.ABSENT, "")),
    ],
)
async def test_any_suppression_wins(alerts: list[Any], expected: tuple[AlertState, str]) -> None:
    assert await seen(says(*alerts)) == expected


async def test_an_alert_that_goes_to_another_receiver_alone_is_held_back() -> None:
    said = "routed to pager, not to receiver "
    assert await seen(says(alert(), receiver="pager")) == (AlertState.SUPPRESSED, f"{said}{Receivers('stagekeeper')}")


STATE = "an alert's state is {}, which is none of Alertmanager's"


@pytest.mark.parametrize("other", [alert(environment="prod"), alert(name="Watchdog"), "text", None, 7])
async def test_what_was_not_asked_for_is_not_taken(other: Any) -> None:
    """A proxy may lose the query; then every alert of the house is in the answer."""
    assert await seen(says(other)) == (AlertState.ABSENT, "")


@pytest.mark.parametrize(
    ("handler", "detail"),
    [
        (body(b"oops", 500), "HTTP 500"),
        (body(b"", 401), "HTTP 401"),
        (body(b"", 302, Location="/elsewhere"), "HTTP 302, a redirect, which is not followed"),
        (body(b"<html><title>Sign in</title>\n", 403), 'HTTP 403 with an HTML page ("Sign in")'),
        (body(b"{}"), "the answer is not a list of groups of alerts"),
        (body(b"<html>\n" * 20), "the answer is an HTML page, not JSON: is this Alertmanager's address?"),
        (body(b"no\nhealthy \x1b[31mupstream"), NO_JSON.format("'no healthy [31mupstream'")),
        (body(b"  "), NO_JSON.format("an empty body")),
        (says(alert("dancing")), STATE.format("'dancing'")),
        (says(alert(["active"])), STATE.format(repr("['active']"))),
        (says(alert(), {**alert(), "status": "active"}), STATE.format("'None'")),
        (body(b'[{"alerts": 5}]'), "a group's alerts are not a list"),
        (body(b"[" * 200_000), "the answer is nested too deeply"),
        (body(b" " * 4_194_305), "the answer has more than 4194304 bytes"),
        (body(b" " * 4_194_304), NO_JSON.format("an empty body")),
    ],
)
async def test_what_can_not_be_understood_is_unreadable_and_says_why(handler: Handler, detail: str) -> None:
    assert await seen(handler) == (AlertState.UNREADABLE, detail)


async def test_the_tenant_is_said() -> None:
    """Mimir answers 401 without it, and another tenant's alerts with a wrong one."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response([group(alert())] if request.headers.get("X-Scope-OrgID") == "cf-team" else [])

    assert (await seen(answer, tenant="cf-team"))[0] is AlertState.ACTIVE
    assert (await seen(answer))[0] is AlertState.ABSENT


async def test_a_silence_of_one_cluster_does_not_hold_another() -> None:
    """Their environments share a name, and one Alertmanager has the alerts of both."""
    silenced, firing = alert("suppressed", silencedBy=["id"]), alert()
    silenced["labels"]["cluster"], firing["labels"]["cluster"] = 'eu "1"', "eu2"
    asked: list[list[str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query.getall("filter"))
        return web.json_response([group(silenced, firing)])

    assert (await seen(answer, matchers={"cluster": "eu2"}))[0] is AlertState.ACTIVE
    assert (await seen(answer, matchers={"cluster": 'eu "1"'}))[0] is AlertState.SUPPRESSED
    assert (await seen(answer))[0] is AlertState.SUPPRESSED
    assert 'cluster="eu \\"1\\""' in asked[1]


async def test_a_proxy_on_the_way_is_used() -> None:
    asked: list[str] = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        asked.append(str(request.url))
        return web.json_response([group(alert())])

    async with RawTestServer(proxy) as server, aiohttp.ClientSession() as session:
        own = {"url": "http://alertmanager.invalid:9093/am", "proxy_url": str(server.make_url("/"))}
        settings = AlertmanagerSettings.model_validate(own)
        found = await Alertmanager(settings, session, "StagerUnavailable", Receivers("stagekeeper")).ask("cf")
    assert found.view.state is AlertState.ACTIVE
    assert asked[0].startswith("http://alertmanager.invalid:9093/am/api/v2/alerts/groups")


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    made = listeners.certificates(tmp_path)
    app = web.Application()
    app.router.add_get("/api/v2/alerts/groups", says(alert()))
    server, files = TestServer(app, scheme="https", host="127.0.0.1"), made.client
    await server.start_server(ssl=made.server(name="127.0.0.1"))
    try:
        async with aiohttp.ClientSession() as session:
            shown = {"url": str(server.make_url("/")), "ca_file": files.ca_file}
            with_own = {**shown, "cert_file": files.cert_file, "key_file": files.key_file}
            found = [
                await Alertmanager(
                    AlertmanagerSettings.model_validate(each), session, "StagerUnavailable", Receivers("stagekeeper")
                ).ask("cf")
                for each in (with_own, shown)
            ]
    finally:
        await server.close()
    assert [each.view.state for each in found] == [AlertState.ACTIVE, AlertState.UNREADABLE]
    assert "verify failed" not in found[1].view.detail, "the CA alone is trusted too"


async def test_without_a_ca_file_the_systems_authorities_are_trusted_as_go_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificates.intermediate()
    (tmp_path / "ca.crt").write_bytes(own.authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    app = web.Application()
    app.router.add_get("/api/v2/alerts/groups", says(alert()))
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=own.server())
    try:
        async with aiohttp.ClientSession() as session:
            settings = AlertmanagerSettings.model_validate({"url": str(server.make_url("/"))})
            found = await Alertmanager(settings, session, "StagerUnavailable", Receivers("stagekeeper")).ask("cf")
    finally:
        await server.close()
    assert found.view.state is AlertState.ACTIVE


async def test_an_answer_that_does_not_come_is_unreadable_in_time() -> None:
    released = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with asking(silent, timeout=0.05) as ask, asking(silent, timeout=9) as longer:
        found = [await ask(), await longer(within=0.05), await longer(within=-1)]
        released.set()
    assert [(each.view.state, each.view.detail) for each in found] == [(AlertState.UNREADABLE, "no answer in time")] * 3


async def test_an_alertmanager_that_is_not_there_is_unreadable() -> None:
    async with aiohttp.ClientSession() as session:
        settings = AlertmanagerSettings.model_validate({"url": "http://127.0.0.1:1"})
        found = await Alertmanager(settings, session, "StagerUnavailable", Receivers("stagekeeper")).ask("cf")
    assert found.view.state is AlertState.UNREADABLE
    assert "127.0.0.1" in found.view.detail


def only(*accepted: str) -> Handler:
    """Answers whoever sends one of these Authorization headers."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(
            [group(alert())], status=200 if request.headers.get("Authorization") in accepted else 401
        )

    return answer


async def test_a_bearer_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    async with asking(only("Bearer second"), bearer_token_file=token) as ask:
        assert (await ask()).view.detail == "HTTP 401"
        token.write_text("second\n")
        assert (await ask()).view.state is AlertState.ACTIVE


async def test_a_password_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("first")
    handler = only("Basic " + base64.b64encode("stagekeeper:sécond".encode()).decode())
    async with asking(handler, username="stagekeeper", password_file=password) as ask:
        assert (await ask()).view.detail == "HTTP 401"
        password.write_text("sécond")
        assert (await ask()).view.state is AlertState.ACTIVE


async def test_credentials_that_can_not_be_read_are_unreadable_too(tmp_path: Path) -> None:
    assert await seen(says(alert()), bearer_token_file=tmp_path / "absent") == (
        AlertState.UNREADABLE,
        f"The credentials file {tmp_path / 'absent'} can't be read: No such file or directory.",
    )


async def test_a_secret_never_shows_in_what_is_recorded(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a secret\nof two lines")
    found = await seen(says(alert()), bearer_token_file=token)
    assert found[0] is AlertState.UNREADABLE
    assert "secret" not in found[1]


# What an Alertmanager cannot tell is said at the start


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"versionInfo": {"version": "0.27.0"}}, "is of version 0.27.0: it can't say whether the alert is muted"),
        ({"versionInfo": {"version": "0.28.0"}}, ""),
        ({"versionInfo": {"version": "0.31.1+mimir"}}, ""),
        ({"versionInfo": {"version": None}}, ""),
        ([], ""),
    ],
)
async def test_a_version_that_does_not_tell_of_mute_times_is_named(answer: Any, told: str) -> None:
    async def status(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    app = web.Application()
    app.router.add_get("/api/v2/status", status)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        own = AlertmanagerSettings.model_validate({"url": str(server.make_url("/"))})
        with capture_logs() as logs:
            await Alertmanager(own, session, "StagerUnavailable", Receivers("stagekeeper")).tell_version()
    assert [told in each["event"] for each in logs] == ([True] if told else [])


async def test_an_alertmanager_that_does_not_answer_is_named_by_the_gate_alone() -> None:
    async with aiohttp.ClientSession() as session:
        own = AlertmanagerSettings.model_validate({"url": f"http://127.0.0.1:{free_port()}"})
        with capture_logs() as logs:
            await Alertmanager(own, session, "StagerUnavailable", Receivers("stagekeeper")).tell_version()
    assert logs == []
