"""An on-call person's desk, and all that stands behind it. Each thing starts once for the module."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.runbooks.pages import CONFIGURATION
from tests.runbooks.shell import Shell
from tests.runbooks.stage import Stage, stage
from tests.testbed.control_plane import ControlPlane
from tests.testbed.process import Process, free_port

Program = Callable[[str], Path]


@pytest.fixture(scope="module")
def alertmanager(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager that holds an alert and a silence."""
    folder, url = tmp_path_factory.mktemp("alertmanager"), f"http://127.0.0.1:{free_port()}"
    config = folder / "alertmanager.yaml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    flags = [f"--config.file={config}", f"--storage.path={folder}", "--cluster.listen-address="]
    listen = f"--web.listen-address={url.removeprefix('http://')}"
    process = Process("Alertmanager", [program("prometheus-alertmanager"), *flags, listen], folder / "log")
    amtool: list[str | Path] = [program("amtool"), f"--alertmanager.url={url}"]
    labels = ["alertname=StagerUnavailable", "environment=prod"]

    def told() -> bool:
        return subprocess.run([*amtool, "alert", "add", *labels], capture_output=True, check=False).returncode == 0

    with process:
        process.wait_until(told, "its readiness", 60)
        silence = ["silence", "add", "environment=prod", "alertname=Other", "--comment=a test", "--author=me"]
        subprocess.run([*amtool, *silence], capture_output=True, check=True)
        yield url


@pytest.fixture(scope="module")
def real(program: Program, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The chart and an environment on a real API."""
    helm = Helm(program("helm"), tmp_path_factory.mktemp("helm"), control_plane.kubeconfig)
    with stage(control_plane, helm) as made:
        yield made


@pytest.fixture(scope="module")
def desk(real: Stage, program: Program, alertmanager: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """What an on-call person has in front of them, who has followed the first command of the page."""
    shell = Shell(
        tmp_path_factory.mktemp("desk"),
        real.plane.kubeconfig,
        {
            "-n cf ": f"-n {real.namespace} ",
            "-n stagekeeper ": f"-n {real.release} ",
            "serviceaccount:stagekeeper:": f"serviceaccount:{real.release}:",
            "http://alertmanager.monitoring.svc:9093": alertmanager,
        },
    )
    shell.give("kubectl", real.plane.binaries.kubectl)
    shell.give("amtool", program("amtool"))
    shell.give_stagekeeper()
    real.set()
    assert shell.run(CONFIGURATION).code == 0
    return shell
