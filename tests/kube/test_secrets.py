"""No credential is ever said: a canary goes through every way that fails, and what real processes say is searched."""

import asyncio
import base64
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from tests.exporter.programs import exporter
from tests.kube.api_server import api_server, kubeconfig
from tests.kube.certificates import client, issued
from tests.kube.test_exec_plugin import V1, plugin, printing
from tests.kube.test_oidc import user as oidc_user
from tests.kube.test_proxies import proxy
from tests.kube.test_trust import data, trusting
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

CANARY = "C4nary-Secret"
ENCODED = [base64.b64encode(b"xx"[:before] + CANARY.encode()).decode()[4:-4] for before in range(3)]
"""What the canary looks like within base64, wherever it begins there."""
LONG = CANARY * 100
"""Longer than what is said of an answer: it must not be cut before it is hidden."""
ANSWERS = ["json-401", "json-403", "json-500", "html-502", "text-503", "json-200", "html-200", "redirect-302"]
"""What the parrot answers, by the first part of the path."""
ALL_OF_THEM = """
import sys, traceback
from stagekeeper.cli.commands import stagekeeper
for path in sys.argv[1:]:
    print("==", path, flush=True)
    try:
        stagekeeper(["diagnose", "--kubeconfig", path])
    except SystemExit as ended:
        print("-- exit code", ended.code, flush=True)
    except BaseException:
        traceback.print_exc()
"""


async def parroting_provider(request: web.Request) -> web.StreamResponse:
    """An issuer that is well, but repeats what it refuses."""
    if request.path.endswith("/openid-configuration"):
        return web.json_response({"token_endpoint": str(request.url.with_path("/json-400"))})
    told = f"you said {request.headers.get('Authorization')} and {await request.text()}"
    return web.json_response({"error": "invalid_grant", "error_description": told}, status=400)


async def parrot(request: web.Request) -> web.StreamResponse:
    """Say in every place what it was told: as a proxy that is there for finding faults does."""
    kind, _, code = request.path.split("/")[1].partition("-")
    told = f"you said {request.headers.get('Authorization')} and {dict(request.headers)} and {await request.text()}"
    if kind == "json":
        return web.json_response({"message": told, "reason": told, "items": told}, status=int(code))
    text = f"<html><title>{escape(told).replace('+', '&#43;')}</title>{told}</html>" if kind == "html" else told
    headers = {"Location": f"/{request.headers.get('Authorization')}"} if kind == "redirect" else {}
    return web.Response(text=text, status=int(code), headers=headers, content_type="text/html")


def users(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """User entries that fail each in its own way, before any request."""
    hint = {"installHint": "get it"}
    secret = {"env": [{"name": "SECRET", "value": CANARY}], "args": ["--token", CANARY, f"--client-secret={CANARY}"]}
    status = {"token": f"{CANARY}\n", "clientKeyData": CANARY, "clientCertificateData": client("x").chain.decode()}
    return {
        "a misspelt key": {"tokn": CANARY, f"{CANARY}{'x' * 40}": CANARY},
        "a token with a line in it": {"token": f"{CANARY}\n{CANARY}"},
        "a token that is a list": {"token": [CANARY]},
        "two ways": {"token": CANARY, "username": "x", "password": CANARY},
        "no base64": {"client-certificate-data": CANARY, "client-key-data": CANARY},
        "no PEM": {"client-certificate-data": data(CANARY.encode()), "client-key-data": data(CANARY.encode())},
        "a plugin that fails": {"exec": {**plugin(folder, "env; env >&2; echo $@ >&2; exit 1"), **secret, **hint}},
        "a plugin that talks": {"exec": {**plugin(folder, f"echo {CANARY}", "b"), **secret, **hint}},
        "a plugin that tells all": {"exec": {**plugin(folder, "env >&2; exit 1", "e"), "provideClusterInfo": True}},
        "a token file with a line in it": {"tokenFile": str(written(folder / "lines", f"{CANARY}\n{CANARY}"))},
        "a token that is a file's name": {"tokenFile": str(folder / "absent"), "as": "x"},
        "a plugin that errs": {"exec": {**plugin(folder, printing(status), "c"), **secret}},
        "a plugin that is not there": {
            "exec": {"apiVersion": V1, "command": "./d", "interactiveMode": "Never", **secret}
        },
        "an issuer that is not there": oidc_user("https://127.0.0.1:1", client_secret=CANARY, refresh_token=CANARY),
        "a token of no shape": oidc_user("https://127.0.0.1:1", id_token=f"{CANARY}.{CANARY}"),
        "a provider that is no more": {"auth-provider": {"name": "gcp", "config": {"access-token": CANARY}}},
    }


REFUSED: Mapping[str, Mapping[str, Any]] = {
    "token": {"token": CANARY},
    "password": {"username": "me", "password": f"+{CANARY}"},
    "long token": {"token": LONG},
}
"""User entries whose credentials are sent, and come back in what is answered."""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def broken(folder: Path) -> list[Path]:
    """Files that are no kubeconfigs, with the canary where a parser stumbles."""
    texts = {
        "yaml": f"users: [{{user: {{token: {CANARY}", "alias": f"token: *{CANARY}", "tag": f"token: !{CANARY} x",
        "json": f'{{"token": "{CANARY}', "around": f"users: [{{name: u, usr: {{token: {CANARY}}}}}]",
        "flow": f"{{users: [{{name: u, user: {{token: {CANARY}}}]",
        "twice": yaml.safe_dump({"users": [{"name": "u", "user": {"token": CANARY}}] * 2}),
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def searched(said: str) -> None:
    """Neither the canary nor what it looks like on the wire."""
    assert CANARY not in said
    assert [each for each in ENCODED if each in said] == []
    assert "Traceback" not in said


async def test_the_command_never_says_a_credential(tmp_path: Path) -> None:
    own, paths = issued(), broken(tmp_path)
    async with (
        api_server(own.server()) as server,
        api_server(issued(by="provider").server()) as providing,
        proxy() as refusing,
    ):
        server.answers["*"], providing.answers["*"] = parrot, parroting_provider
        refusing.refusing, refusing.words = True, "you said {login}"
        trusted = trusting(own.authority)
        for name, entry in users(tmp_path).items():
            paths.append(kubeconfig(tmp_path / f"user, {name}", server.url, entry, **trusted))
        for answer in ANSWERS:
            for name, entry in REFUSED.items():
                paths.append(kubeconfig(tmp_path / f"{answer}, {name}", f"{server.url}/{answer}", entry, **trusted))
        issuer = oidc_user(providing.url, client_secret=f"{CANARY}+/", refresh_token=f"+/{CANARY}")
        paths.append(kubeconfig(tmp_path / "a provider that refuses", server.url, issuer, **trusted))
        secret_proxies = [f"{each}://me:{CANARY}@127.0.0.1:1" for each in ("http", "socks5", "ftp")]
        for number, url in enumerate(
            [
                *secret_proxies,
                f"http://x:{CANARY}@",
                *(refusing.url.replace("//", f"//{each}@") for each in (f"x:{CANARY}", f"x:%2B{CANARY}", f"x:{LONG}")),
            ]
        ):
            paths.append(
                kubeconfig(tmp_path / f"proxy {number}", server.url, None, **trusting(own.authority, proxy_url=url))
            )
        paths.append(kubeconfig(tmp_path / "server", server.url.replace("//", f"//x:{CANARY}@"), {}, **trusting(b"x")))
        paths.append(kubeconfig(tmp_path / "no trust", server.url, {"token": CANARY}))
        arguments = ("-c", ALL_OF_THEM, *map(str, paths))
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=STDOUT)
        said = (await process.communicate())[0].decode()
    searched(said)
    codes = [line.rpartition(" ")[2] for line in said.splitlines() if line.startswith("-- exit code")]
    assert (len(codes), set(codes)) == (len(paths), {"2", "3"}), said


async def test_a_running_exporter_never_says_a_credential(tmp_path: Path) -> None:
    """Neither on its pages nor in its log."""
    async with api_server(issued().server()) as server:
        server.answers["*"] = parrot
        path = kubeconfig(tmp_path / "k", f"{server.url}/json-403", {"token": CANARY}, **trusting(issued().authority))
        async with exporter(tmp_path, f"--kubeconfig={path}", "--log.level=debug") as running:
            pages = [(await running.get(page))[1] for page in ("/", "/metrics", "/recent")]
        assert server.requests
    searched("\n".join([*pages, (tmp_path / "exporter.log").read_text()]))
    assert "[hidden]" in "\n".join(pages)


async def test_a_plugin_that_fails_while_an_exporter_runs_makes_it_say_no_credential(tmp_path: Path) -> None:
    """Its first credential is refused; from then on it fails, and says all that it knows."""
    first = printing({"token": CANARY})
    script = f"if mkdir {tmp_path}/asked; then\n{first}\nelse echo {CANARY} $SECRET $1 >&2; env >&2; exit 3; fi"
    secret = {"env": [{"name": "SECRET", "value": CANARY}], "args": [f"--token={CANARY}"]}
    async with api_server(issued().server()) as server:
        server.answers["*"] = parrot
        entry = {"exec": {**plugin(tmp_path, script), **secret}}
        path = kubeconfig(tmp_path / "k", f"{server.url}/json-401", entry, **trusting(issued().authority))
        async with exporter(tmp_path, f"--kubeconfig={path}", "--log.level=debug") as running:
            async with asyncio.timeout(HANG_GUARD):
                while "exit code 3" not in (tmp_path / "exporter.log").read_text():
                    await running.get("/metrics")
                    await asyncio.sleep(0.2)
            pages = [(await running.get(page))[1] for page in ("/", "/metrics", "/recent")]
    searched("\n".join([*pages, (tmp_path / "exporter.log").read_text()]))


async def test_a_running_remediator_never_says_a_credential(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text("a-token-for-the-webhook")
    remediator = {"mode": "observe", "webhook": {"token_file": str(tmp_path / "webhook")}}
    config = {"environments": [{"name": "cf", "profile": "cfee-2", "namespace": "cf"}], "remediator": remediator}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    async with api_server(issued().server()) as server:
        server.answers["*"] = parrot
        path = kubeconfig(tmp_path / "k", f"{server.url}/json-401", {"token": CANARY}, **trusting(issued().authority))
        argv = [
            sys.executable, "-m", "remediator", f"--config.file={tmp_path / 'config'}", f"--kubeconfig={path}",
            f"--web.listen-address=127.0.0.1:{free_port()}", "--log.level=debug",
        ]  # fmt: skip
        process = Process("remediator", argv, tmp_path / "log")
        try:
            await asyncio.to_thread(
                process.wait_until, lambda: "HTTP 401" in (tmp_path / "log").read_text(), "an answer", 60
            )
        finally:
            await asyncio.to_thread(process.stop)
    searched((tmp_path / "log").read_text())
