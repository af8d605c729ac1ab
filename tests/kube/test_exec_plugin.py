"""Credential plugins: real programs, asked as kubectl asks them, and asked again in time."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import CapturingLogger

from stagekeeper.kube import exec_plugin
from stagekeeper.kube.client import NoCluster, connect
from stagekeeper.kube.errors import Unauthorized
from tests.kube.api_server import ApiServer, answering, api_server, kubeconfig, refusing
from tests.kube.certificates import authority, client, issued
from tests.kube.clock import Clock
from tests.kube.test_trust import trusting
from tests.testbed.patience import until

ENOUGH = 60.0
V1, V1BETA1 = exec_plugin.VERSIONS
CANARY = "C4nary-Secret"


def plugin(folder: Path, script: str, name: str = "plugin.sh") -> dict[str, Any]:
    """An `exec` of a kubeconfig in `folder`, for a shell script beside it."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"apiVersion": V1, "command": f"./{name}", "interactiveMode": "Never", "args": None, "env": None}


def printing(status: Mapping[str, Any] | str, version: str = V1) -> str:
    """A script that prints an ExecCredential."""
    return f"cat <<'END'\n{json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': status})}\nEND"


def counting(folder: Path, lifetime: timedelta | None = None) -> str:
    """A script that gives the tokens `token-1`, `token-2` and so on, each in a new line of the file `calls`."""
    ends = ""
    if lifetime is not None:
        stamp = (datetime.now(UTC) + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        ends = f', "expirationTimestamp": "{stamp}"'
    return (
        f"echo x >> {folder}/calls\nn=$(wc -l < {folder}/calls | tr -d ' ')\n"
        f'echo "{{\\"apiVersion\\": \\"{V1}\\", \\"kind\\": \\"ExecCredential\\", '
        f'\\"status\\": {{\\"token\\": \\"token-$n\\"{ends.replace(chr(34), chr(92) + chr(34))}}}}}"'
    )


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


def tokens(server: ApiServer) -> list[str | None]:
    return [each.headers.get("Authorization", "").removeprefix("Bearer ") for each in server.requests]


async def asked(folder: Path, entry: Mapping[str, Any], times: int = 1) -> list[str | None]:
    """The tokens of some requests one after the other."""
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(folder / "kubeconfig", server.url, {"exec": entry})) as kube:
            for _ in range(times):
                await kube.get("/version", timeout=ENOUGH)
    return tokens(server)


async def why_not(folder: Path, entry: Mapping[str, Any]) -> str:
    with pytest.raises(NoCluster) as raised:
        async with connect(kubeconfig(folder / "kubeconfig", "https://127.0.0.1:1", {"exec": entry})):
            pass
    assert "\n" not in str(raised.value)
    assert CANARY not in str(raised.value)
    return str(raised.value)


# How it is asked


@pytest.mark.parametrize("version", [V1, V1BETA1])
async def test_a_plugin_gives_the_token(version: str, tmp_path: Path) -> None:
    entry = {**plugin(tmp_path, printing({"token": "from-plugin"}, version)), "apiVersion": version}
    assert await asked(tmp_path, entry) == ["from-plugin"]


async def test_a_plugin_may_print_yaml_as_kubectl_reads_it_too(tmp_path: Path) -> None:
    lines = f"apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: from-plugin\n"
    assert await asked(tmp_path, plugin(tmp_path, f"cat <<'END'\n{lines}END")) == ["from-plugin"]


async def test_a_plugin_of_the_old_version_need_not_say_whether_it_asks_people(tmp_path: Path) -> None:
    entry = plugin(tmp_path, printing({"token": "from-plugin"}, V1BETA1))
    del entry["interactiveMode"]
    assert await asked(tmp_path, {**entry, "apiVersion": V1BETA1}) == ["from-plugin"]


async def test_a_plugin_is_found_on_path_and_given_its_arguments_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    script = printing({"token": "$1-$2-$COLOUR-$INHERITED"}).replace("<<'END'", "<<END")
    plugin(tmp_path / "bin", script, "a-plugin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("INHERITED", "kept")
    monkeypatch.setenv("COLOUR", "red")
    entry = {
        "apiVersion": V1, "command": "a-plugin", "interactiveMode": "IfAvailable",
        "args": ["get", "token"], "env": [{"name": "COLOUR", "value": "blue"}],
    }  # fmt: skip
    assert await asked(tmp_path, entry) == ["get-token-blue-kept"]


@pytest.mark.programs
@pytest.mark.parametrize("told", [False, True])
async def test_a_plugin_is_told_what_kubectl_tells_it(
    tmp_path: Path, program: Callable[[str], Path], *, told: bool
) -> None:
    kubectl = program("kubectl")
    script = f"echo $KUBERNETES_EXEC_INFO >> {tmp_path}/told\n{printing({'token': 'x'})}"
    entry = {**plugin(tmp_path, script), "provideClusterInfo": told}
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "here"}}
    cluster = trusting(issued().authority, tls_server_name="127.0.0.1", extensions=[extension])
    async with api_server(issued().server()) as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry}, **cluster)
        async with connect(path) as kube:
            await kube.get("/version", timeout=ENOUGH)
        process = await asyncio.create_subprocess_exec(
            kubectl, "get", "--raw", "/version", f"--kubeconfig={path}", stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
    ours, theirs = (json.loads(line) for line in (tmp_path / "told").read_text().splitlines())
    assert ours == theirs
    assert ("cluster" in ours["spec"]) is told
    assert tokens(server) == ["x", "x"]


async def test_a_plugin_gives_a_client_certificate(tmp_path: Path) -> None:
    mine = client("from-plugin")
    status = {"clientCertificateData": mine.chain.decode(), "clientKeyData": mine.key.decode()}
    entry = plugin(tmp_path, printing(status))
    async with api_server(issued().server(clients=authority("clients").cert_pem.bytes())) as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry}, **trusting(issued().authority))
        async with connect(path) as kube:
            await kube.get("/version", timeout=ENOUGH)
    assert [(each.shown, each.headers.get("Authorization")) for each in server.requests] == [("from-plugin", None)]


async def test_a_client_certificate_of_the_entry_comes_before_its_plugin(tmp_path: Path) -> None:
    user = {**client("of-entry").write(tmp_path), "exec": plugin(tmp_path, "exit 1")}
    async with connect(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", user)) as kube:
        assert (await kube._transport.access.source.current()).header is None


# When it is asked again


async def test_a_credential_that_lasts_is_asked_for_once(tmp_path: Path) -> None:
    assert await asked(tmp_path, plugin(tmp_path, counting(tmp_path, timedelta(hours=1))), times=5) == ["token-1"] * 5


async def test_one_without_an_end_lasts(tmp_path: Path) -> None:
    assert await asked(tmp_path, plugin(tmp_path, counting(tmp_path)), times=3) == ["token-1"] * 3


async def test_a_credential_is_renewed_before_it_ends_while_requests_go_on_with_it(
    tmp_path: Path, clock: Clock
) -> None:
    """15 minutes as on EKS; 30 s before the end."""
    entry = plugin(tmp_path, counting(tmp_path, timedelta(minutes=15)))
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry})) as kube:
            await kube.get("/version", timeout=ENOUGH)
            clock.ahead = 14.5 * 60
            await kube.get("/version", timeout=ENOUGH)
            async with asyncio.timeout(ENOUGH):
                while tokens(server)[-1] != "token-2":
                    await asyncio.sleep(0.01)
                    await kube.get("/version", timeout=ENOUGH)
    assert tokens(server)[:2] == ["token-1", "token-1"]


async def test_a_renewal_that_fails_is_logged_while_what_we_have_lasts_and_else_said_once(
    tmp_path: Path, clock: Clock, logged: CapturingLogger
) -> None:
    entry = plugin(tmp_path, counting(tmp_path, timedelta(minutes=15)))
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry})) as kube:
            clock.ahead = 14.5 * 60
            (tmp_path / "plugin.sh").write_text("#!/bin/sh\necho no luck today >&2; exit 3\n")
            await kube.get("/version", timeout=ENOUGH)
            async with asyncio.timeout(ENOUGH):
                while "no luck today" not in str(logged.calls):  # noqa: ASYNC110 -- another process
                    await asyncio.sleep(0.01)
            told = len(logged.calls)
            clock.ahead = 16 * 60
            with pytest.raises(Unauthorized, match="no luck today"):
                await kube.get("/version", timeout=ENOUGH)
    assert (len(logged.calls), tokens(server)) == (told, ["token-1"])


async def test_an_expired_credential_is_never_sent(tmp_path: Path, clock: Clock) -> None:
    entry = plugin(tmp_path, counting(tmp_path, timedelta(minutes=15)))
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry})) as kube:
            clock.ahead = 16 * 60
            (tmp_path / "plugin.sh").write_text("#!/bin/sh\necho no luck today >&2; exit 3\n")
            for _ in range(3):
                with pytest.raises(Unauthorized, match="exit code 3: no luck today"):
                    await kube.get("/version", timeout=ENOUGH)
            (tmp_path / "plugin.sh").write_text(f"#!/bin/sh\n{printing({'token': 'at-last'})}\n")
            clock.ahead += 11  # a plugin that fails is left alone for 10 s
            await kube.get("/version", timeout=ENOUGH)
    assert tokens(server) == ["at-last"]


async def test_a_token_that_is_refused_is_asked_for_again_once(tmp_path: Path, clock: Clock) -> None:
    entry = plugin(tmp_path, counting(tmp_path))
    async with api_server() as server:
        server.answers["*"] = refusing(401, "Unauthorized", "token expired")
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry})) as kube:
            clock.ahead = 11
            for _ in range(3):
                with pytest.raises(Unauthorized, match="token expired"):
                    await kube.get("/version", timeout=ENOUGH)
    assert tokens(server) == ["token-1", "token-2", "token-2", "token-2"]
    assert calls(tmp_path) == 2


async def test_many_requests_at_once_ask_one_plugin(tmp_path: Path, clock: Clock) -> None:
    entry = plugin(tmp_path, counting(tmp_path, timedelta(minutes=15)))
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, {"exec": entry})) as kube:
            clock.ahead = 16 * 60
            (tmp_path / "plugin.sh").write_text(
                f"#!/bin/sh\necho x >> {tmp_path}/calls\n{printing({'token': 'new'})}\n"
            )
            await asyncio.gather(*(kube.get("/version", timeout=ENOUGH) for _ in range(10)))
    assert set(tokens(server)) == {"new"}
    assert calls(tmp_path) == 2


async def test_a_plugin_that_hangs_holds_up_a_request_no_longer_than_it_may_take(tmp_path: Path, clock: Clock) -> None:
    """And does not live on."""
    entry = plugin(tmp_path, counting(tmp_path, timedelta(minutes=15)))
    async with connect(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", {"exec": entry})) as kube:
        clock.ahead = 16 * 60
        (tmp_path / "plugin.sh").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 600 & wait\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await kube.get("/version", timeout=ENOUGH)
        await until((tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# What it gets wrong


WRONG: dict[str, tuple[str, str]] = {
    "it fails": (f"echo {CANARY}; echo 'no session: log in' >&2; exit 7", "failed: exit code 7: no session: log in"),
    "it fails without a word": ("exit 7", "exit code 7: without a word"),
    "it fails with many lines": ("printf 'a\\nb\\033[31mc\\r\\n' >&2; exit 7", "exit code 7: a b [31mc"),
    "it fails after much": ("yes no session | head -n 9999 >&2; echo at the end >&2; exit 7", "no session at the end"),
    "it repeats a secret": ('echo "bad $SECRET" >&2; exit 7', "exit code 7: bad [hidden]"),
    "it repeats a secret of ours": ('echo "bad $AWS_SECRET_ACCESS_KEY" >&2; exit 7', "exit code 7: bad [hidden]"),
    "it names a file of ours": ('echo "no $AWS_WEB_IDENTITY_TOKEN_FILE" >&2; exit 7', "exit code 7: no /a/token"),
    "it names a file that is there": ('echo "no $GOOGLE_APPLICATION_CREDENTIALS" >&2; exit 7', "no /etc/passwd"),
    "it repeats a long secret": ('echo "bad $LONG_TOKEN" >&2; exit 7', "exit code 7: bad [hidden]"),
    "it says nothing": ("", "not an ExecCredential"),
    "it says something else": (f"echo {CANARY}", "not an ExecCredential"),
    "a list": (f"echo '[\"{CANARY}\"]'", "not an ExecCredential"),
    "no status": (f'echo \'{{"apiVersion": "{V1}", "x": "{CANARY}"}}\'', "not an ExecCredential"),
    "an empty status": (printing({}), "neither a token nor a certificate"),
    "a status that is text": (printing(CANARY), "not an ExecCredential"),
    "a token that is a number": (printing({"token": 7}), "not an ExecCredential"),
    "a token with a line in it": (printing({"token": f"{CANARY}\nX: y"}), "characters that no token has"),
    "another version": (printing({"token": CANARY}, V1BETA1), f"it answered in {V1BETA1}"),
    "half a pair": (printing({"clientKeyData": CANARY}), "a key without a certificate"),
    "a pair that is none": (printing({"clientKeyData": CANARY, "clientCertificateData": "x"}), "not PEM"),
    "an end that is none": (printing({"token": CANARY, "expirationTimestamp": "soon"}), "is not a time"),
    "a token that has ended": (printing({"token": CANARY, "expirationTimestamp": "2020-01-01T00:00:00Z"}), "expired"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_a_plugin_gets_wrong_is_said_with_its_hint_and_never_what_it_prints(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/a/token")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/etc/passwd")
    monkeypatch.setenv("LONG_TOKEN", f"{CANARY}{'x' * 5000}")
    script, words = WRONG[case]
    entry = {
        **plugin(tmp_path, script),
        "installHint": "Install it:\n  brew install a-plugin",
        "env": [{"name": "SECRET", "value": CANARY}],
    }
    said = await why_not(tmp_path, entry)
    assert words in said
    if "expired" not in words:
        assert 'the credential plugin of user "me" failed' in said
        assert "(Install it: brew install a-plugin)" in said


ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "not there": ({"command": "./absent"}, "absent is not there, or not executable (get it)"),
    "not on PATH": ({"command": "absent-plugin"}, "absent-plugin is not there, or not executable (get it)"),
    "no command": ({"command": ""}, "command is missing"),
    "the version before": ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, f"one of {V1}, {V1BETA1}"),
    "no version": ({"apiVersion": None}, "apiVersion must be one of"),
    "no mode": ({"interactiveMode": None}, "interactiveMode must be one of Always, IfAvailable, Never"),
    "a person is needed": ({"interactiveMode": "Always"}, "standard input is not a terminal"),
    "arguments that are numbers": ({"args": [1]}, "args must be a list of texts"),
    "environment of another shape": ({"env": {"A": CANARY}}, "env must be a list of mappings"),
    "an argument that no program can get": ({"args": [f"\0{CANARY}"]}, "can't be passed on"),
}


@pytest.mark.parametrize("case", ENTRIES)
async def test_a_plugin_that_can_not_be_started_is_said(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, words = ENTRIES[case]
    with open(os.devnull) as nothing:  # noqa: ASYNC230, PTH123 -- what a service has for standard input
        monkeypatch.setattr(sys, "stdin", nothing)
        entry = {**plugin(tmp_path, "exit 1"), "installHint": "get it", **changed}
        assert words in await why_not(tmp_path, entry)


async def test_a_file_that_is_no_program_is_said(tmp_path: Path) -> None:
    entry = plugin(tmp_path, "")
    (tmp_path / "plugin.sh").write_bytes(b"\x7fELF nothing")
    assert "can't be started: Exec format error" in await why_not(tmp_path, entry)


async def test_a_plugin_that_prints_without_end_is_ended(tmp_path: Path) -> None:
    assert "it prints more than 1 MiB" in await why_not(tmp_path, plugin(tmp_path, "yes"))


@pytest.mark.parametrize("script", ["sleep 600", "sleep 600 | yes >&2"])
async def test_a_plugin_that_does_not_end_is_ended(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_plugin, "_LIMIT_SECONDS", 1.0)
    assert "no answer within 1 s" in await why_not(tmp_path, plugin(tmp_path, script))


async def test_without_a_stderr_a_plugin_may_write_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = plugin(tmp_path, f"echo open https://login >&2\n{printing({'token': 'x'})}")
    monkeypatch.setattr(sys, "stderr", None)
    async with connect(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", {"exec": entry})):
        pass


async def test_at_a_terminal_people_see_at_once_what_a_plugin_writes_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    entry = plugin(tmp_path, f"echo open https://login >&2\n{printing({'token': 'x'})}")
    async with connect(
        kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", {"exec": {**entry, "interactiveMode": "Never"}})
    ):
        assert "open https://login" in capsys.readouterr().err
