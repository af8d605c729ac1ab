"""`stagekeeper diagnose` against a simulated environment, as a process."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.environment import Environment, simulated_environment
from simulator.layouts import CFEE_2
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import choose, resolve
from tests.exporter.programs import QUICK, configuration, down
from tests.testbed.patience import HANG_GUARD

LOG = '{"message":"... \\"error_code\\"=>\\"CF-StagerUnavailable\\"}" "code"=>170010 ... Connection refused'


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[Environment]:
    async with simulated_environment(replace(CFEE_2, label_interval=0.2), folder, QUICK) as cf:
        cf.api.read_log = lambda _namespace, _pod, container: f"{LOG}\n" if container == "api" else ""
        yield cf


async def diagnose(*flags: str | Path, path: str = "") -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "stagekeeper", "diagnose", *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"},
    )
    async with asyncio.timeout(HANG_GUARD):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_serving_environment_ends_with_0(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        code, said, err = await diagnose(*flags)
    assert (code, err) == (0, "")
    assert "8. Stager: ok" in said
    assert "2 x CF-StagerUnavailable (170010) in the Cloud Controller logs of the last hour (4 containers)" in said
    assert "2 x Connection refused" in said


async def test_profile_auto_says_what_it_picked_and_asks_for_all_of_it(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf, profile="auto")
        code, said, err = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert (code, err) == (0, "")
    assert said.startswith("cf: profile cfee-2, namespace cf")
    assert "  - Profile: cfee-2, by the label skiff-role-name=diego-api that diego-api gives its pods." in said
    assert "2. Cloud Controller pods with all containers ready: ok" in said


async def test_profile_auto_in_a_namespace_without_diego_ends_with_1(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf, profile="auto", namespace="empty")
        code, said, _ = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert code == 1
    assert "Diagnosis: not_applicable" in said
    assert said.endswith(" get statefulsets -A\n")
    assert "Next:      kubectl --kubeconfig " in said


async def test_the_hang_ends_with_1_and_the_json_says_why(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        await cf.faults.hang()
        cf.make_older(3600, *(pod["metadata"]["name"] for pod in cf.pods()))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        code, said, _ = await diagnose(*flags, "--output=json")
    document = json.loads(said)
    assert code == document["exitCode"] == 1
    assert document["diagnosis"]["name"] == "no_active_bbs"
    assert document["next"].startswith("stagekeeper restart --config.file ")
    assert document["next"].endswith(" --environment cf --reason WHY")


async def test_from_a_pod_the_same_is_seen_through_kubectl(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "kubectl"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    async with simulated(tmp_path) as cf:
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig, "--from-pod")
        code, said, err = await diagnose(*flags, path=str(fake.parent))
    assert (code, err) == (0, "")
    assert "Asked from pod api-0: ok (accepts TCP from pod api-0)." in said


async def test_an_api_server_that_is_down_is_one_line_and_ends_with_3(tmp_path: Path) -> None:
    code, said, err = await diagnose("--kubeconfig", down(tmp_path))
    assert (code, said) == (3, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("stagekeeper diagnose: GET /apis/apps/v1/namespaces/cf/statefulsets")


async def test_an_api_server_that_is_down_is_still_a_document_for_a_program(tmp_path: Path) -> None:
    code, said, _ = await diagnose("--kubeconfig", down(tmp_path), "--output=json")
    assert code == json.loads(said)["exitCode"] == 3


async def test_outside_the_clusters_network_it_can_not_tell(tmp_path: Path) -> None:
    """A laptop: no name of the cluster resolves, and the pods' addresses are strangers here."""
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf)
        text = there.read_text().replace(cf.service_host, "diego-api.cf.svc.cluster.local")
        there.write_text(text)
        await cf.faults.hang()
        code, said, err = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert (code, err) == (3, "")
    assert "3. Place that the connection is tested from: unknown" in said
    assert "failed" not in said
    assert "6. BBS pods with all containers ready, exactly one active: unknown" in said
    assert "Active: none." in said
    assert "Diagnosis: observer_fault" in said
    assert said.rstrip().endswith("--environment cf --from-pod")


async def test_certificates_that_are_only_in_the_pods_leave_a_tcp_connection(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf)
        there.write_text(
            there.read_text().replace(str(cf.certificates.client_certificate), "/etc/stagekeeper/tls/cf/tls.crt")
        )
        code, said, err = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert (code, err) == (0, "")
    assert "/etc/stagekeeper/tls/cf/tls.crt is not on this machine" in said
    assert "accepts connections on" in said


async def test_without_a_pod_to_ask_from_it_can_not_tell(tmp_path: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.touch(0o755)
    flags = ("--kubeconfig", down(tmp_path), "--profile", "cfee-2", "--from-pod")
    code, _, err = await diagnose(*flags, path=str(tmp_path))
    assert code == 3
    assert err.startswith("stagekeeper diagnose: No Cloud Controller pod to ask from: GET /api/v1/namespaces/cf/pods")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ("--kubeconfig=/none.yaml",),
            "stagekeeper diagnose: No usable Kubernetes configuration: /none.yaml can't be used",
        ),
        (("--config.file=/none.yaml",), "stagekeeper diagnose: /none.yaml: can't be read: No such file or directory."),
        (("--environment=nope",), "stagekeeper diagnose: There is no environment nope. Known are cf."),
        (("--timeout=0",), "Invalid value for '--timeout'"),
    ],
)
async def test_a_wrong_flag_ends_with_2_and_one_sentence(flags: tuple[str, ...], sentence: str) -> None:
    code, said, err = await diagnose(*flags)
    assert (code, said) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_of_several_environments_one_must_be_chosen() -> None:
    several = [resolve(EnvironmentSettings(name=name, namespace=name)) for name in ("one", "two")]
    assert choose(several, "two").name == "two"
    with pytest.raises(ConfigurationError, match="choose one of one, two with --environment"):
        choose(several, None)
