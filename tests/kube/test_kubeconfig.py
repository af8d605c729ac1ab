"""Which cluster and which user a kubeconfig names, as kubectl reads it: the same files are given to both."""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import CapturingLogger

from stagekeeper.kube import access
from stagekeeper.kube.client import NoCluster, connect
from stagekeeper.kube.kubeconfig import KubeconfigEntry, KubeconfigError, find
from tests.kube.api_server import answering, api_server, kubeconfig
from tests.testbed.patience import HANG_GUARD

ENOUGH = 60.0
Files = Mapping[str, Any]


def entries(kind: str, **named: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A section of a kubeconfig."""
    return [{"name": name, kind: content} for name, content in named.items()]


def config(cluster: str, user: str, **servers: str) -> dict[str, Any]:
    """A kubeconfig with one context `c`, one user whose token is his name, and clusters by their servers."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": entries("context", c={"cluster": cluster, "user": user}),
        "clusters": entries("cluster", **{name: {"server": server} for name, server in servers.items()}),
        "users": entries("user", **{user: {"token": f"token-of-{user}"}}),
    }


ONE, TWO = config("one", "u1", one="https://one:6443"), config("two", "u2", two="https://two:6443")
CONTEXT_ONLY = {"contexts": entries("context", c={"cluster": "two", "user": "u1"}), "current-context": "c"}
CLUSTERS = {"clusters": entries("cluster", one={"server": "https://another:6443", "proxy-url": "http://proxy"})}

MERGED: dict[str, tuple[Files, str]] = {
    "one file": ({"a": ONE}, "a"),
    "the first current-context wins": ({"a": {**ONE, "contexts": entries("context", x={"cluster": "one", "user": "u1"})}
                                       | {"current-context": "x"}, "b": TWO}, "a:b"),
    "the second has what the first lacks": ({"a": {"current-context": "c"}, "b": TWO}, "a:b"),
    "an entry of the first wins, whole": ({"a": ONE, "b": CLUSTERS}, "a:b"),
    "an entry of the first wins in the other order too": ({"a": ONE, "b": CLUSTERS}, "b:a"),
    "a context of one, the rest of others": ({"a": CONTEXT_ONLY, "b": ONE, "c": TWO}, "a:b:c"),
    "an empty current-context is none": ({"a": {**ONE, "current-context": ""}, "b": TWO}, "a:b"),
    "a missing file is skipped": ({"a": ONE}, "absent:a"),
    "an empty file is skipped": ({"a": "", "b": TWO}, "a:b"),
    "a file of comments is skipped": ({"a": "# nothing\n---\n", "b": TWO}, "a:b"),
    "empty names are skipped": ({"a": ONE}, ":a::"),
    "one file twice": ({"a": ONE}, "a:a"),
    "an empty KUBECONFIG is none": ({"home/.kube/config": ONE}, ""),
    "the rest of an empty list": ({"a": {"clusters": None, "users": None, "contexts": None}, "b": TWO}, "a:b"),
    "JSON": ({"a": json.dumps(ONE, indent="\t")}, "a"),
    "YAML in braces": ({"a": yaml.safe_dump(ONE, default_flow_style=True)}, "a"),
    "JSON with tabs": ({"a": json.dumps(ONE, indent="\t").replace(" ", "\t")}, "a"),
    "as PowerShell writes it": ({"a": yaml.safe_dump(ONE).encode("utf-16")}, "a"),
    "as Notepad wrote it": ({"a": yaml.safe_dump(ONE).replace("\n", "\r\n").encode("utf-8-sig")}, "a"),
    "an item that is nothing": ({"a": {**ONE, "users": [*ONE["users"], None]}}, "a"),
    "a time that is text": ({"a": yaml.safe_dump(ONE).replace("token-of-u1", "12:30:45")}, "a"),
    "a sign that is text": ({"a": yaml.safe_dump(ONE).replace("token-of-u1", "=")}, "a"),
    "a date that is text": ({"a": yaml.safe_dump(ONE).replace("token-of-u1", "2026-01-01")}, "a"),
}  # fmt: skip


def write(files: Files, folder: Path) -> None:
    """Write them, what is not text as YAML."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str | bytes) else yaml.safe_dump(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def environment(folder: Path, listed: str) -> dict[str, str]:
    """What both programs see: KUBECONFIG with the files' full names, and a home."""
    places = ":".join(str(folder / each) if each else "" for each in listed.split(":")) if listed else ""
    return {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "KUBECONFIG": places}


def ours(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """Server, token and proxy as we find them."""
    monkeypatch.setenv("HOME", env["HOME"])
    found = find(None, None, env)
    return found.cluster.text("server"), found.user.text("token"), found.cluster.text("proxy-url")


def kubectls(kubectl: Path, env: Mapping[str, str]) -> tuple[str, str, str]:
    """The same as kubectl finds them."""
    command = [str(kubectl), "config", "view", "--minify", "--raw", "-o", "json"]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, timeout=HANG_GUARD, check=True)
    (cluster,), (user,) = (json.loads(done.stdout)[key] for key in ("clusters", "users"))
    return cluster["cluster"]["server"], user["user"]["token"], cluster["cluster"].get("proxy-url", "")


@pytest.mark.programs
@pytest.mark.parametrize("case", MERGED)
def test_files_are_merged_as_kubectl_merges_them(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], Path]
) -> None:
    files, listed = MERGED[case]
    write(files, tmp_path)
    kubectl, env = program("kubectl"), environment(tmp_path, listed)
    assert ours(env, monkeypatch) == kubectls(kubectl, env)


async def test_the_cluster_of_the_first_file_is_the_one_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api_server() as right, api_server() as wrong:
        right.answers["*"] = wrong.answers["*"] = answering({})
        write({"a": config("one", "u1", one=right.url), "b": config("two", "u2", two=wrong.url)}, tmp_path)
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
        async with connect() as kube:
            await kube.get("/version", timeout=ENOUGH)
        assert ([each.headers["Authorization"] for each in right.requests], wrong.requests) == (
            ["Bearer token-of-u1"],
            [],
        )


@pytest.mark.parametrize("value", ["", "{absent}"])
async def test_a_kubeconfig_that_is_nowhere_is_said_with_where_it_was_looked_for(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", value.format(absent=tmp_path / "absent"))
    with pytest.raises(NoCluster) as raised:
        async with connect():
            pass
    assert (str(tmp_path / "absent") if value else "~/.kube/config") in str(raised.value)
    assert "no such file" in str(raised.value)


async def test_a_user_who_has_no_home_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no name."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(NoCluster, match="HOME is not set, and this user has no home; name a file with --kubeconfig"):
        async with connect():
            pass


async def test_a_kubeconfig_may_come_through_a_pipe(tmp_path: Path) -> None:
    """As `--kubeconfig <(command)` gives it."""
    text = kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1").read_bytes()
    read, write_end = os.pipe()
    os.write(write_end, text)
    os.close(write_end)
    async with connect(Path(f"/dev/fd/{read}")) as kube:
        assert kube.server == "https://127.0.0.1:1"
    os.close(read)


async def test_a_relative_path_is_relative_to_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    write({"one/token": "right", "token": "wrong", "two/token": "wrong", "elsewhere/token": "wrong"}, tmp_path)
    first = {"users": entries("user", u2={"tokenFile": "token"})}
    async with api_server() as server:
        server.answers["*"] = answering({})
        write({"one/config": first, "two/config": config("two", "u2", two=server.url)}, tmp_path)
        monkeypatch.chdir(tmp_path / "elsewhere")
        monkeypatch.setenv("KUBECONFIG", "../one/config:../two/config")
        async with connect() as kube:
            await kube.get("/version", timeout=ENOUGH)
        assert server.requests[0].headers["Authorization"] == "Bearer right"


# What a user or a cluster entry says

USERS: dict[str, tuple[dict[str, Any], dict[str, str | None]]] = {
    "a token": ({"token": "t0"}, {"Authorization": "Bearer t0"}),
    "a file beside a token": ({"token": "t0", "tokenFile": "token"}, {"Authorization": "Bearer from-file"}),
    "a token beside a file that is not there": ({"token": "t0", "tokenFile": "absent"}, {"Authorization": "Bearer t0"}),
    "a password": ({"username": "me", "password": "é"}, {"Authorization": "Basic bWU6w6k="}),
    "a name without a password": ({"username": "me"}, {"Authorization": "Basic bWU6"}),
    "nobody": ({}, {"Authorization": None}),
    "nothing at all": ({"token": None}, {"Authorization": None}),
    "a token before a plugin": ({"token": "t0", "exec": {"apiVersion": "v0"}}, {"Authorization": "Bearer t0"}),
    "somebody else": (
        {"token": "t0", "as": "jane", "as-uid": "7", "as-user-extra": {"Reason/x": ["a"]}},
        {"Impersonate-User": "jane", "Impersonate-Uid": "7", "Impersonate-Extra-reason%2Fx": "a"},
    ),
}


@pytest.mark.parametrize("case", USERS)
async def test_what_a_user_entry_says_is_what_is_sent(case: str, tmp_path: Path) -> None:
    user, expected = USERS[case]
    write({"token": "from-file\n"}, tmp_path)
    async with api_server() as server:
        server.answers["*"] = answering({})
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, user)) as kube:
            await kube.get("/version", timeout=ENOUGH)
        assert {key: server.requests[0].headers.get(key) for key in expected} == expected


async def test_a_password_in_the_address_is_what_the_address_says(tmp_path: Path) -> None:
    """With its escapes undone, as Go does."""
    async with api_server() as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url.replace("//", "//me:p%40ss%3Aword@"), {})
        async with connect(path) as kube:
            await kube.get("/version", timeout=ENOUGH)
        assert server.requests[0].headers["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss:word').decode()}"


async def test_each_group_of_an_impersonated_user_is_sent() -> None:
    document = {"token": "t0", "as": "jane", "as-groups": ["a", "b"]}
    entry = KubeconfigEntry(Path("f"), 'user "u"', document)
    assert [value for key, value in access._impersonate(entry) if key == "Impersonate-Group"] == ["a", "b"]


SERVERS = {
    "https://127.0.0.1:6443/": "https://127.0.0.1:6443",
    "https://rancher.example/k8s/clusters/c-1/": "https://rancher.example/k8s/clusters/c-1",
    "https://[fd00::1]:6443": "https://[fd00::1]:6443",
    "HTTPS://api.example": "https://api.example",
    "127.0.0.1:8080": "http://127.0.0.1:8080",
    "https://me:s3cret@127.0.0.1:6443/x?y=z#w": "https://127.0.0.1:6443/x",
}


@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_may_be_written_in_each_way_that_kubectl_takes(server: str, tmp_path: Path) -> None:
    async with connect(kubeconfig(tmp_path / "kubeconfig", server)) as kube:
        assert kube.server == SERVERS[server]


@pytest.mark.parametrize("user", [{}, {"user": ""}, {"user": None}])
async def test_behind_kubectl_proxy_no_user_is_needed(user: Mapping[str, Any], tmp_path: Path) -> None:
    async with api_server() as server:
        server.answers["*"] = answering({})
        without = {**config("one", "u1", one=server.url), "contexts": entries("context", c={"cluster": "one", **user})}
        del without["users"]
        write({"a": without}, tmp_path)
        async with connect(tmp_path / "a") as kube:
            await kube.get("/version", timeout=ENOUGH)
    assert [each.headers.get("Authorization") for each in server.requests] == [None]


async def test_a_path_before_the_apis_own_is_kept(tmp_path: Path) -> None:
    async with api_server() as server:
        server.answers["/k8s/clusters/c-1/version"] = answering({"it": "is here"})
        async with connect(kubeconfig(tmp_path / "kubeconfig", f"{server.url}/k8s/clusters/c-1/")) as kube:
            assert (await kube.get("/version", timeout=ENOUGH)).body == {"it": "is here"}


async def test_nothing_secret_goes_over_a_network_without_tls(tmp_path: Path) -> None:
    """As kubectl: only to our own machine."""
    async with connect(kubeconfig(tmp_path / "kubeconfig", "http://api.example:8080")) as kube:
        assert (await kube._transport.access.source.current()).header is None


# What is refused


CANARY = "C4nary-Secret"
BAD: dict[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "a misspelt key around a user": ({"users": [{"name": "u", "usr": {"token": CANARY}}]}, ('user "u"', '"usr"')),
    "a misspelt key in a user": ({"users": entries("user", u={"tokn": CANARY})}, ('user "u"', '"tokn"')),
    "a value that slipped into a key": ({"users": entries("user", u={CANARY * 9: 1})}, ('user "u"', "117 characters")),
    "a misspelt key around a cluster": ({"clusters": [{"name": "c", "clutser": {}}]}, ('cluster "c"', '"clutser"')),
    "a misspelt key in a cluster": ({"clusters": entries("cluster", c={"sever": "x"})}, ('cluster "c"', '"sever"')),
    "no server": ({"clusters": entries("cluster", c={"tls-server-name": "x"})}, ("server is missing",)),
    "a server that is none": ({"clusters": entries("cluster", c={"server": "ftp://x"})}, ("https://",)),
    "a server with half a port": ({"clusters": entries("cluster", c={"server": "https://x:y"})}, ("not a URL",)),
    "a number for a token": ({"users": entries("user", u={"token": 12345678})}, ("token must be text",)),
    "a token with a line in it": ({"users": entries("user", u={"token": f"a\n{CANARY}"})}, ("characters",)),
    "a flag that is text": (
        {"clusters": entries("cluster", c={"server": "https://x", "insecure-skip-tls-verify": "true"})},
        ("true or false",),
    ),
    "data that is no base64": (
        {"users": entries("user", u={"client-certificate-data": CANARY, "client-key-data": CANARY})},
        ("client-certificate-data is not base64",),
    ),
    "token and password": ({"users": entries("user", u={"token": CANARY, "username": "x"})}, ("exclude each other",)),
    "a CA and none": (
        {"clusters": entries("cluster", c={"server": "https://x", "insecure-skip-tls-verify": True,
                                           "certificate-authority-data": "eA=="})},
        ("exclude each other",),
    ),
    "a CA twice": (
        {"clusters": entries("cluster", c={"server": "https://x", "certificate-authority": "x",
                                           "certificate-authority-data": "eA=="})},
        ("exclude each other",),
    ),
    "a CA that is none": (
        {"clusters": entries("cluster", c={"server": "https://x", "certificate-authority-data": "eA=="})},
        ("holds no certificate",),
    ),
    "a CA that is not there": (
        {"clusters": entries("cluster", c={"server": "https://x", "certificate-authority": "absent"})},
        ("absent can't be read (No such file or directory)",),
    ),
    "a SOCKS proxy": (
        {"clusters": entries("cluster", c={"server": "https://x", "proxy-url": f"socks5://u:{CANARY}@proxy:1080"})},
        ("SOCKS proxy (proxy)",),
    ),
    "a proxy that is none": (
        {"clusters": entries("cluster", c={"server": "https://x", "proxy-url": f"http://u:{CANARY}@:1080"})},
        ("not the URL of a proxy",),
    ),
    "a proxy of another kind": (
        {"clusters": entries("cluster", c={"server": "https://x", "proxy-url": f"ftp://u:{CANARY}@proxy"})},
        ("must begin with",),
    ),
    "a provider that is no more": ({"users": entries("user", u={"auth-provider": {"name": "gcp"}})}, ("gke-gcloud",)),
    "a provider that never was": ({"users": entries("user", u={"auth-provider": {"name": "x"}})}, ("not there any",)),
    "a plugin and a provider": (
        {"users": entries("user", u={"auth-provider": {"name": "x"}, "exec": {"command": "x"}})},
        ("exclude each other",),
    ),
    "groups of nobody": ({"users": entries("user", u={"token": CANARY, "as-groups": ["x"]})}, ("need as",)),
    "a list of numbers": ({"users": entries("user", u={"as": "x", "as-groups": [1]})}, ("list of texts",)),
    "an entry that is text": ({"users": [{"name": "u", "user": CANARY}]}, ("must be a mapping",)),
    "a section that is text": ({"users": CANARY}, ("users must be a list",)),
    "one name twice": ({"users": [*entries("user", u={}), *entries("user", u={})]}, ("two entries", '"u"')),
    "a context without a user": ({"contexts": entries("context", c={"cluster": "c"})}, ("no user",)),
    "a context of another user": (
        {"contexts": entries("context", c={"cluster": "c", "user": "x"})}, ('user "x"', "not there"),
    ),
    "no context": ({"current-context": "x"}, ('no context "x"', "there are: c")),
    "no current context": ({"current-context": ""}, ("no current-context",)),
    "another kind of file": ({"kind": "Secret"}, ("not a kubeconfig",)),
}  # fmt: skip
GOOD: dict[str, Any] = {
    "current-context": "c",
    "contexts": entries("context", c={"cluster": "c", "user": "u"}),
    "clusters": entries("cluster", c={"server": "https://127.0.0.1:1"}),
    "users": entries("user", u={"token": CANARY}),
}


async def why_not(path: Path) -> str:
    with pytest.raises(NoCluster) as raised:
        async with connect(path):
            pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("case", BAD)
async def test_what_can_not_be_used_is_named_by_file_and_key_and_no_value_is_said(case: str, tmp_path: Path) -> None:
    changed, words = BAD[case]
    write({"config": {**GOOD, **changed}}, tmp_path)
    said = await why_not(tmp_path / "config")
    assert str(tmp_path / "config") in said
    assert [word for word in words if word not in said] == [], said
    assert CANARY not in said


TEXTS = {
    "not YAML": (f"users: [{{token: {CANARY}", "neither YAML nor JSON (line 1, column"),
    "an alias of nothing": (f"users: *{CANARY}", "neither YAML nor JSON (line 1, column"),
    "a tag of nothing": (f"users: !{CANARY} x", "neither YAML nor JSON (line 1, column"),
    "cut JSON": (f'{{"users": "{CANARY}', "neither YAML nor JSON"),
    "deep": ("[" * 100_000, "neither YAML nor JSON"),
    "a key that can be none": (f"{{[{CANARY}]: x}}", "neither YAML nor JSON"),
    "a list": (f"- {CANARY}", "not a kubeconfig"),
}


@pytest.mark.parametrize("case", TEXTS)
async def test_a_text_that_can_not_be_read_is_not_quoted(case: str, tmp_path: Path) -> None:
    text, words = TEXTS[case]
    write({"config": text}, tmp_path)
    said = await why_not(tmp_path / "config")
    assert words in said
    assert CANARY not in said


async def test_bytes_that_are_no_text_are_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(CANARY.encode() + b"\xff\xfe")
    said = await why_not(tmp_path / "config")
    assert "neither YAML nor JSON in UTF-8" in said
    assert CANARY not in said


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
async def test_what_is_no_file_is_said(path: str) -> None:
    assert "can't be used (" in await why_not(Path(path))


def test_a_file_that_may_not_be_read_is_an_error_also_beside_others(tmp_path: Path) -> None:
    write({"a": ONE}, tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(KubeconfigError, match="Is a directory"):
        find(None, None, environment(tmp_path, "a:b"))


async def test_a_key_that_means_nothing_is_ignored_as_kubectl_does_and_logged(
    tmp_path: Path, logged: CapturingLogger
) -> None:
    write({"config": {**GOOD, "users": entries("user", u={"token": CANARY, "tokn": CANARY})}}, tmp_path)
    async with connect(tmp_path / "config"):
        pass
    assert "tokn" in str(logged.calls)
    assert CANARY not in str(logged.calls)
