"""The ways to a cluster, and what is said when there is none."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from stagekeeper.kube import credentials, own_pod
from stagekeeper.kube.client import Kube, NoCluster, connect
from stagekeeper.kube.errors import Unauthorized
from tests.kube.api_server import answering, api_server, kubeconfig, refusing
from tests.kube.certificates import client

ENOUGH = 60.0


async def why_not(path: Path, context: str | None = None) -> str:
    with pytest.raises(NoCluster) as raised:
        async with connect(path, context):
            pass
    return str(raised.value)


async def test_a_missing_kubeconfig_is_said_with_what_to_do(tmp_path: Path) -> None:
    said = await why_not(tmp_path / "absent")
    assert str(tmp_path / "absent") in said
    assert said.endswith("Name a kubeconfig with --kubeconfig, or run inside a pod with a ServiceAccount.")


BAD_KUBECONFIGS = {
    "empty": "",
    "not YAML": "{",
    "a list": "- a\n- b\n",
    "a word": "kubeconfig",
    "a number": "7",
    "no contexts": "current-context: here\n",
    "a context that is a word": "current-context: here\ncontexts: here\nclusters: []\nusers: []\n",
    "a context of no cluster": "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\nclusters: []\n",
    "contexts without names": "current-context: a\ncontexts: [{}]\nclusters: [{}]\nusers: [{}]\n",
    "NUL": "\0",
}


@pytest.mark.parametrize("what", BAD_KUBECONFIGS)
async def test_a_kubeconfig_of_another_shape_is_one_sentence(what: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(BAD_KUBECONFIGS[what])
    said = await why_not(path)
    assert said.startswith(f"No usable Kubernetes configuration: {path} can't be used (")
    assert "\n" not in said


async def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    assert "staging" in await why_not(path, context="staging")


async def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1", {"tokenFile": str(tmp_path / "absent")})
    assert str(tmp_path / "absent") in await why_not(path)


@pytest.mark.parametrize("key", ["certificate-authority", "client-certificate"])
async def test_certificates_that_can_not_be_used_are_said_so(key: str, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    user: dict[str, Any] = {"client-certificate": str(junk), "client-key": str(junk)}
    trusted = {"certificate-authority": str(junk)} if key == "certificate-authority" else {}
    path = kubeconfig(
        tmp_path / "kubeconfig", "https://127.0.0.1:1", user if key == "client-certificate" else {}, **trusted
    )
    assert f"in {path}: {key}" in await why_not(path)


@pytest.mark.parametrize("content", ["secret-token", "secret-token\n"])
async def test_a_token_is_read_from_the_file_that_the_kubeconfig_names(content: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(content)
    async with api_server() as server:
        server.answers["*"] = answering({})
        path = kubeconfig(tmp_path / "kubeconfig", server.url, {"tokenFile": "token"})
        async with connect(path) as kube:
            await kube.get("/version", timeout=ENOUGH)
        assert server.requests[0].headers["Authorization"] == "Bearer secret-token"


async def test_a_context_is_chosen_by_name(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    content = yaml.safe_load(path.read_text())
    content["clusters"].append({"name": "other", "cluster": {"server": "http://127.0.0.1:2"}})
    content["contexts"].append({"name": "other", "context": {"cluster": "other", "user": "me"}})
    path.write_text(yaml.safe_dump(content))
    async with connect(path, "other") as kube:
        assert kube.server == "http://127.0.0.1:2"


# In a pod


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a ServiceAccount's token and CA, as a pod has them mounted."""
    (tmp_path / "token").write_text("first")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")
    monkeypatch.setattr(own_pod, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


async def token_of(kube: Kube) -> str | None:
    return (await kube._transport.access.source.current()).header


def a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the clock that the client reads forward."""
    later = time.monotonic() + 61
    monkeypatch.setattr(credentials, "_now", lambda: later)


@pytest.mark.usefixtures("service_account")
async def test_in_a_pod_its_own_service_account_is_used() -> None:
    async with connect() as kube:
        assert kube.server == "https://[fd00::1]:443"
        assert await token_of(kube) == "Bearer first"


async def test_in_a_pod_a_token_that_was_rotated_is_used_after_a_minute(
    service_account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as kube:
        (service_account / "token").write_text("second")
        assert await token_of(kube) == "Bearer first"
        a_minute_later(monkeypatch)
        assert await token_of(kube) == "Bearer second"


async def test_in_a_pod_the_last_token_counts_while_its_file_is_empty(
    service_account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as kube:
        (service_account / "token").write_text("")
        a_minute_later(monkeypatch)
        assert await token_of(kube) == "Bearer first"


async def test_a_pod_without_its_ca_says_so(service_account: Path) -> None:
    (service_account / "ca.crt").unlink()
    with pytest.raises(NoCluster, match=r"ca\.crt can't be used: No such file"):
        async with connect():
            pass


@pytest.mark.usefixtures("service_account")
async def test_a_kubeconfig_that_is_named_comes_before_the_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    async with connect(path) as kube:
        assert kube.server == "http://127.0.0.1:1"
    monkeypatch.setenv("KUBECONFIG", str(path))
    context = yaml.safe_load(path.read_text())["current-context"]
    async with connect(None, context) as kube:
        assert kube.server == "http://127.0.0.1:1"


# A token's file


async def test_a_token_that_the_api_refuses_is_read_again_at_once(tmp_path: Path) -> None:
    """Kubelet may have changed it since."""
    token = tmp_path / "token"
    token.write_text("old")
    async with api_server() as server:
        server.answers["*"] = refusing(401)
        path = kubeconfig(tmp_path / "kubeconfig", server.url, {"tokenFile": "token"})
        async with connect(path) as kube:
            for _ in range(2):
                with pytest.raises(Unauthorized, match="HTTP 401"):
                    await kube.get("/version", timeout=ENOUGH)
            token.write_text("new")
            with pytest.raises(Unauthorized, match="HTTP 401"):
                await kube.get("/version", timeout=ENOUGH)
            token.unlink()
            with pytest.raises(Unauthorized, match=r"our own token can't be read: .*token: No such file"):
                await kube.get("/version", timeout=ENOUGH)
    sent = [each.headers["Authorization"] for each in server.requests]
    assert sent == ["Bearer old", "Bearer old", "Bearer old", "Bearer new", "Bearer new"]


async def test_a_refused_token_beside_a_certificate_is_read_again_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old")
    user = {"tokenFile": "token", **client("me").write(tmp_path)}
    async with api_server() as server:
        server.answers["*"] = refusing(401)
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, user)) as kube:
            (tmp_path / "token").write_text("new")
            with pytest.raises(Unauthorized):
                await kube.get("/version", timeout=ENOUGH)
    assert [each.headers["Authorization"] for each in server.requests] == ["Bearer old", "Bearer new"]


async def test_an_empty_token_is_said(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    path = kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", {"tokenFile": "token"})
    assert f"our own token can't be read: {tmp_path / 'token'} is empty" in await why_not(path)


async def test_a_pipe_is_no_file_for_a_token(tmp_path: Path) -> None:
    """Reading it would wait for ever, and a second time there is nothing in it."""
    os.mkfifo(tmp_path / "token")
    path = kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", {"tokenFile": "token"})
    assert "is a pipe, not a file" in await why_not(path)
