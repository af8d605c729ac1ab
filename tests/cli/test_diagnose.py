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
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import choose, resolve
from stagekeeper.settings import SettingsProblem
from tests.exporter.programs import HANG_GUARD, QUICK, configuration, down

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
    assert "7. ok      The stager can be reached" in said
    assert "Code 170010 2 times in 4 logs" in said
    assert "2 x Connection refused" in said


async def test_profile_auto_says_what_it_picked_and_asks_for_all_of_it(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf, profile="auto")
        code, said, err = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert (code, err) == (0, "")
    assert said.startswith("cf: profile cfee-2, namespace cf")
    assert "  - Profile: cfee-2, by the label skiff-role-name=diego-api that diego-api gives its pods." in said
    assert "2. ok      " in said


async def test_profile_auto_in_a_namespace_without_diego_ends_with_1(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        there = configuration(tmp_path, cf, profile="auto", namespace="empty")
        code, said, _ = await diagnose("--config.file", there, "--kubeconfig", cf.kubeconfig)
    assert code == 1
    assert "Diagnosis: not_applicable" in said
    assert said.endswith("Next:      kubectl get statefulsets -A\n")


async def test_the_hang_ends_with_1_and_the_json_says_why(tmp_path: Path) -> None:
    async with simulated(tmp_path) as cf:
        await cf.faults.hang()
        cf.make_older(3600, *(pod["metadata"]["name"] for pod in cf.pods()))
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig)
        code, said, _ = await diagnose(*flags, "--output=json")
    document = json.loads(said)
    assert code == document["exitCode"] == 1
    assert document["diagnosis"]["name"] == "no_active_bbs"
    assert document["next"] == "stagekeeper restart --environment cf --reason WHY"


async def test_from_a_pod_the_same_is_seen_through_kubectl(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "kubectl"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    async with simulated(tmp_path) as cf:
        flags = ("--config.file", configuration(tmp_path, cf), "--kubeconfig", cf.kubeconfig, "--from-pod")
        code, said, err = await diagnose(*flags, path=str(fake.parent))
    assert (code, err) == (0, "")
    assert "asked from pod api-0: ok (accepts TCP from pod api-0)" in said


async def test_an_api_server_that_is_down_ends_with_3(tmp_path: Path) -> None:
    code, said, _ = await diagnose("--kubeconfig", down(tmp_path))
    assert code == 3
    assert "Diagnosis: observer_fault" in said
    assert said.endswith("Next:      kubectl auth can-i list pods -n cf\n")


async def test_without_a_pod_to_ask_from_it_can_not_tell(tmp_path: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.touch(0o755)
    code, _, err = await diagnose("--kubeconfig", down(tmp_path), "--from-pod", path=str(tmp_path))
    assert code == 3
    assert err.startswith("stagekeeper diagnose: No Cloud Controller pod to ask from: GET /api/v1/namespaces/cf/pods")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--kubeconfig=/none.yaml",), "stagekeeper diagnose: No way to a Kubernetes API: /none.yaml can't be used"),
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
    with pytest.raises(SettingsProblem, match="choose one of one, two with --environment"):
        choose(several, None)
