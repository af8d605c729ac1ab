"""Which requests go through which proxy: what Go reads in the environment, and what a kubeconfig says."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stagekeeper.kube.client import NoCluster, connect
from stagekeeper.kube.errors import Unreachable
from stagekeeper.kube.proxies import ProxyError, proxy_for
from tests.kube import certificates
from tests.kube.api_server import answering, api_server, kubeconfig
from tests.kube.certificates import issued
from tests.kube.test_trust import trusting

ENOUGH = 60.0
PROXY = "http://proxy.example:3128"

EXCEPTIONS: list[tuple[str, str, bool]] = [
    # server, NO_PROXY, whether it goes through the proxy
    ("https://203.0.113.1:6443", "", True),
    ("https://203.0.113.1:6443", "203.0.113.0/24", False),
    ("https://203.0.113.1:6443", "10.0.0.0/8, 203.0.113.0/24 ,x", False),
    ("https://203.0.113.1:6443", "203.0.113.9/24", False),
    ("https://203.0.113.1:6443", "203.0.112.0/24", True),
    ("https://203.0.113.1:6443", "203.0.113.1/33", True),
    ("https://203.0.113.1:6443", "203.0.113.1", False),
    ("https://203.0.113.1:6443", "203.0.113.1:6443", False),
    ("https://203.0.113.1:6443", "203.0.113.1:443", True),
    ("https://203.0.113.1:6443", "*", False),
    ("https://203.0.113.1:6443", ".1", True),
    ("https://[2001:db8::1]:6443", "2001:db8::1", False),
    ("https://[2001:db8::1]:6443", "2001:DB8:0::1", False),
    ("https://[2001:db8::1]:6443", "[2001:db8::1]:6443", False),
    ("https://[2001:db8::1]:6443", "[2001:db8::1]:443", True),
    ("https://[2001:db8::1]:6443", "[2001:db8::1]", True),  # Go takes brackets only before a port
    ("https://[2001:db8::1]:6443", "2001:db8::/32", False),
    ("https://[2001:db8::1]:6443", "10.0.0.0/8", True),
    ("https://api.k8s.invalid:6443", "k8s.invalid", False),
    ("https://api.k8s.invalid:6443", "K8S.Invalid", False),
    ("https://api.k8s.invalid:6443", ".k8s.invalid", False),
    ("https://api.k8s.invalid:6443", "*.k8s.invalid", False),
    ("https://api.k8s.invalid:6443", "*k8s.invalid", True),
    ("https://api.k8s.invalid:6443", "s.invalid", True),
    ("https://k8s.invalid:6443", "k8s.invalid", False),
    ("https://k8s.invalid:6443", ".k8s.invalid", True),
    ("https://k8s.invalid:6443", "*.k8s.invalid", True),
    ("https://k8s.invalid:6443", "k8s.invalid:6443", False),
    ("https://k8s.invalid:6443", "k8s.invalid:443", True),
    ("https://k8s.invalid", "k8s.invalid:443", False),
    ("https://k8s.invalid:6443", "k8s.invalid:", False),
    ("https://k8s.invalid:6443", ":6443,,", True),
    ("https://k8s.invalid:6443", "10.0.0.0/8", True),
    ("https://localhost:1", "", False),
    ("https://127.0.0.1:1", "", False),
    ("https://127.3.2.1:1", "", False),
    ("https://[::1]:1", "", False),
]


@pytest.mark.parametrize(("server", "exceptions", "proxied"), EXCEPTIONS)
def test_no_proxy_is_read_as_go_reads_it(server: str, exceptions: str, *, proxied: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions}
    assert proxy_for(server, environ=environ) == (PROXY if proxied else None)


@dataclass
class Proxy:
    """An HTTP proxy on loopback that remembers where it was asked to lead."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refusing: bool = False
    words: str = "Log In First"
    """How it refuses; `{login}` is what it was shown."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection to where it asks, if that is our own machine."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        _, target, _ = head.split(" ", 2)
        self.asked.append(target)
        self.logins += [line for line in head.splitlines() if line.startswith("Proxy-Authorization")]
        if self.refusing or not target.startswith("127."):
            said = self.words.format(login="".join(self.logins[-1:]))
            writer.write(f"HTTP/1.1 407 {said}\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            host, _, port = target.rpartition(":")
            theirs, ours = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            async with asyncio.TaskGroup() as both:
                both.create_task(_pipe(reader, ours))
                both.create_task(_pipe(theirs, writer))
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


@asynccontextmanager
async def proxy(tls: Any = None) -> AsyncIterator[Proxy]:
    """A running one."""
    running = Proxy()
    server = await asyncio.start_server(running.converse, "127.0.0.1", 0, ssl=tls)
    running.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield running


@pytest.mark.programs
async def test_kubectl_reads_no_proxy_like_this(tmp_path: Path, program: Callable[[str], Path]) -> None:
    """The table above, played by the real one: some at a time."""
    kubectl, some = program("kubectl"), asyncio.Semaphore(4)

    async def through(server: str, exceptions: str) -> bool:
        async with some, proxy() as way:
            env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "HTTPS_PROXY": way.url, "NO_PROXY": exceptions}
            arguments = ("get", "--raw", "/version", f"--server={server}", "--token=made-up", "--request-timeout=5s")
            process = await asyncio.create_subprocess_exec(kubectl, *arguments, env=env, stdout=PIPE, stderr=STDOUT)
            await process.communicate()
        return bool(way.asked)

    found = await asyncio.gather(*(through(server, exceptions) for server, exceptions, _ in EXCEPTIONS))
    assert [case for case, really in zip(EXCEPTIONS, found, strict=True) if case[2] is not really] == []


VARIABLES: list[tuple[str, Mapping[str, str], str | None]] = [
    ("https://x", {}, None),
    ("https://x", {"HTTP_PROXY": PROXY}, None),
    ("http://x", {"HTTP_PROXY": PROXY}, PROXY),
    ("https://x", {"https_proxy": PROXY}, PROXY),
    ("https://x", {"HTTPS_PROXY": PROXY, "https_proxy": "http://other"}, PROXY),
    ("https://x", {"HTTPS_PROXY": "", "https_proxy": PROXY}, PROXY),
    ("https://x", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
    ("https://x", {"HTTPS_PROXY": "proxy.example"}, "http://proxy.example"),
    ("https://x", {"HTTPS_PROXY": PROXY, "no_proxy": "x"}, None),
    ("https://x", {"HTTPS_PROXY": PROXY, "NO_PROXY": "y", "no_proxy": "x"}, PROXY),
    ("http://x", {"HTTP_PROXY": PROXY, "NO_PROXY": "x:80"}, None),
    ("https://x", {"HTTPS_PROXY": PROXY, "NO_PROXY": "x:443"}, None),
    ("https://x", {"ALL_PROXY": PROXY}, None),
]


@pytest.mark.parametrize(("server", "environ", "expected"), VARIABLES)
def test_the_variables_are_those_of_go(server: str, environ: Mapping[str, str], expected: str | None) -> None:
    assert proxy_for(server, environ=environ) == expected


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_refused_by_its_name_and_without_its_password(scheme: str) -> None:
    with pytest.raises(ProxyError, match=r"^HTTPS_PROXY names a SOCKS proxy \(proxy.example\)") as raised:
        proxy_for("https://x", environ={"HTTPS_PROXY": f"{scheme}://me:s3cret@proxy.example:1080"})
    assert "s3cret" not in str(raised.value)


async def test_a_proxy_of_the_environment_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy() as way:
        monkeypatch.setenv("HTTPS_PROXY", way.url)
        path = kubeconfig(tmp_path / "kubeconfig", "https://203.0.113.1:6443", None, **trusting(issued().authority))
        async with connect(path) as kube:
            with pytest.raises(Unreachable, match="the proxy answers HTTP 407"):
                await kube.get("/version", timeout=ENOUGH)
    assert way.asked == ["203.0.113.1:6443"]


@pytest.mark.parametrize("tls", [False, True])
async def test_a_proxy_of_the_kubeconfig_leads_there_whatever_no_proxy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, tls: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    own = issued()
    async with api_server(own.server()) as server, proxy(own.server() if tls else None) as way:
        server.answers["*"] = answering({})
        url = way.url.replace("//", "//me:s3cret@")
        path = kubeconfig(tmp_path / "kubeconfig", server.url, None, **trusting(own.authority, proxy_url=url))
        async with connect(path) as kube:
            await kube.get("/version", timeout=ENOUGH)
    assert way.asked == [server.url.removeprefix("https://")]
    assert way.logins == ["Proxy-Authorization: Basic bWU6czNjcmV0"]
    assert server.requests[0].headers["Authorization"] == "Bearer made-up"


async def test_behind_a_proxy_the_servers_own_name_is_checked(tmp_path: Path) -> None:
    own = issued("api.cluster.example")
    async with api_server(own.server()) as server, proxy() as way:
        server.answers["*"] = answering({})
        named = trusting(own.authority, proxy_url=way.url, tls_server_name="api.cluster.example")
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, None, **named)) as kube:
            await kube.get("/version", timeout=ENOUGH)
        unnamed = trusting(own.authority, proxy_url=way.url)
        async with connect(kubeconfig(tmp_path / "kubeconfig", server.url, None, **unnamed)) as kube:
            with pytest.raises(Unreachable, match="not trusted"):
                await kube.get("/version", timeout=ENOUGH)


@pytest.mark.parametrize("url", ["http://[x", "http://x:y", "http://"])
def test_a_proxy_that_is_none_is_said(url: str) -> None:
    with pytest.raises(ProxyError, match="HTTPS_PROXY is not the URL of a proxy"):
        proxy_for("https://x", environ={"HTTPS_PROXY": url})


async def test_a_proxy_that_refuses_is_said_without_its_password(tmp_path: Path) -> None:
    async with proxy() as way:
        way.refusing = True
        url = way.url.replace("//", "//me:s3cret-word@")
        path = kubeconfig(
            tmp_path / "kubeconfig", "https://127.0.0.1:1", None, **trusting(issued().authority, proxy_url=url)
        )
        async with connect(path) as kube:
            with pytest.raises(Unreachable, match=r"the proxy answers HTTP 407 \(Log In First\)") as raised:
                await kube.get("/version", timeout=ENOUGH)
    assert "s3cret" not in str(raised.value)


async def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    trusted = trusting(issued().authority, proxy_url="http://me:s3cret-word@127.0.0.1:1")
    async with connect(kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:2", None, **trusted)) as kube:
        with pytest.raises(Unreachable, match=r"the proxy 127.0.0.1:1 .*refused") as raised:
            await kube.get("/version", timeout=ENOUGH)
    assert "s3cret" not in str(raised.value)


async def test_a_pod_refuses_a_socks_proxy_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_bytes(certificates.authority().cert_pem.bytes())
    monkeypatch.setattr("stagekeeper.kube.own_pod.SERVICE_ACCOUNT", tmp_path)
    for name, value in (("HOST", "203.0.113.1"), ("PORT", "443")):
        monkeypatch.setenv(f"KUBERNETES_SERVICE_{name}", value)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example")
    with pytest.raises(NoCluster, match="SOCKS"):
        async with connect():
            pass
