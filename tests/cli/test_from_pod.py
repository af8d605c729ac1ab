"""The test from inside a Cloud Controller pod."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stagekeeper.cli import from_pod
from stagekeeper.cli.from_pod import Kubectl, NoKubectl, PodProber, kubectl, met
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import Probe, Reply, Unknown
from tests.testbed.process import free_port

CF = resolve(EnvironmentSettings(name="cf"))

SAID = [
    (0, "Connection to diego-api 8889 port [tcp/*] succeeded!", Reply.OK),
    (1, "nc: connect to diego-api port 8889 (tcp) failed: Connection refused", Reply.REFUSED),
    (1, "nc: connect to diego-api port 8889 (tcp) timed out: Operation now in progress", Reply.TIMEOUT),
    (1, 'nc: getaddrinfo for host "diego-api" port 8889: Name or service not known', Reply.DNS),
    (1, "", Reply.TIMEOUT),
    (
        1,
        "10.0.0.1: inverse host lookup failed: Unknown host\n(UNKNOWN) [10.0.0.1] 8889 (?) : Connection refused",
        Reply.REFUSED,
    ),
    (
        1,
        "10.0.0.1: inverse host lookup failed: Unknown host\n(UNKNOWN) [10.0.0.1] 8889 (?) : Connection timed out",
        Reply.TIMEOUT,
    ),
    (1, "diego-api: forward host lookup failed: Unknown host", Reply.DNS),
    (1, "Ncat: Connection refused.", Reply.REFUSED),
    (1, "Ncat: TIMEOUT.", Reply.TIMEOUT),
    (2, 'Ncat: Could not resolve hostname "diego-api": Name or service not known. QUITTING.', Reply.DNS),
    (1, "nc: 10.0.0.1 (10.0.0.1:8889): Connection refused", Reply.REFUSED),
    (1, "nc: bad address 'diego-api'", Reply.DNS),
    (1, "nc: 10.0.0.1 (10.0.0.1:8889): No route to host", Reply.TIMEOUT),
    (1, "bash: connect: Connection refused\nbash: line 1: /dev/tcp/10.0.0.1/8889: Connection refused", Reply.REFUSED),
    (1, "bash: diego-api: Temporary failure in name resolution", Reply.DNS),
    (124, "", Reply.TIMEOUT),
]


@pytest.mark.parametrize(("code", "said", "reply"), SAID)
def test_what_each_tool_says_is_understood(code: int, said: str, reply: Reply) -> None:
    found = met("api-0", f"{said}\nstagekeeper-exit={code}\n", "Defaulted container")
    assert isinstance(found, Probe)
    assert found.reply is reply
    assert "stagekeeper-exit" not in found.detail


@pytest.mark.parametrize(
    ("out", "err", "why"),
    [
        ("", 'Error from server (Forbidden): pods "api-0" is forbidden', "failed: Error from server (Forbidden)"),
        ("", "", "failed: no reason given"),
        ("neither nc nor bash\nstagekeeper-exit=127\n", "", "has neither nc nor bash"),
        ("nc: invalid option -- 'z'\nstagekeeper-exit=1\n", "", "says: nc: invalid option"),
    ],
)
def test_what_is_no_answer_of_the_bbs_is_unknown(out: str, err: str, why: str) -> None:
    found = met("api-0", out, err)
    assert isinstance(found, Unknown)
    assert why in found.reason


def fake_kubectl(folder: Path, script: str) -> Kubectl:
    """A kubectl that is a shell script."""
    path = folder / "kubectl"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Kubectl(str(path), ("--context", "there"))


RUN_IT_HERE = 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"'


@pytest.mark.parametrize("missing", ["", "nc"])
async def test_the_script_tells_an_open_port_from_a_closed_one(
    tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "bash", "timeout", "nc"):
        if tool != missing and (found := shutil.which(tool)):
            (tools / tool).symlink_to(found)
    program = fake_kubectl(tmp_path, RUN_IT_HERE)
    monkeypatch.setenv("PATH", str(tools))
    prober = PodProber(CF, program, "api-0")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        opened = await prober.connect("127.0.0.1", server.sockets[0].getsockname()[1], 3)
    closed = await prober.connect("127.0.0.1", free_port(), 3)
    assert isinstance(opened, Probe)
    assert opened.reply is Reply.OK
    assert isinstance(closed, Probe)
    assert closed.reply is Reply.REFUSED


async def test_kubectl_is_asked_for_the_right_pod_and_the_bbs_port(tmp_path: Path) -> None:
    program = fake_kubectl(tmp_path, f'echo "$*" > {tmp_path}/said; echo stagekeeper-exit=0')
    found = await PodProber(CF, program, "api-0").ask("diego-api.cf", 2.6)
    said = (tmp_path / "said").read_text()
    assert isinstance(found, Probe)
    assert said.startswith("--context there exec -n cf api-0 -- sh -c")
    assert said.endswith("stagekeeper diego-api.cf 8889 3\n")


async def test_a_kubectl_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_pod, "_START_SECONDS", 0.0)
    program = fake_kubectl(tmp_path, "sleep 60; true")
    found = await PodProber(CF, program, "api-0").ask("diego-api.cf", 1)
    assert isinstance(found, Unknown)
    assert found.word == "timeout"


def test_without_kubectl_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoKubectl, match="--from-pod needs kubectl on PATH"):
        kubectl(None, None)


def test_kubectl_is_told_the_same_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_kubectl(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kubectl(Path("k.yaml"), "there").flags == ("--kubeconfig", "k.yaml", "--context", "there")
    assert kubectl(None, None).flags == ()


def test_in_a_pod_kubectl_looks_at_the_pods_own_cluster_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_kubectl(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(from_pod, "in_cluster", lambda: True)
    assert kubectl(None, None).variables == {"KUBECONFIG": os.devnull}
    assert kubectl(Path("k.yaml"), None).variables == {}


async def test_kubectl_runs_with_what_names_the_cluster(tmp_path: Path) -> None:
    program = replace(fake_kubectl(tmp_path, 'echo "$KUBECONFIG $HOME"'), variables={"KUBECONFIG": "here"})
    said, _ = await program.execute("cf", "api-0", ("true",), within=30)
    assert said.split() == ["here", os.environ["HOME"]]
