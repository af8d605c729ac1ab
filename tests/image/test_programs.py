import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scripts.cache import ROOT
from tests.image import sandbox
from tests.kube.api_server import kubeconfig
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

pytestmark = pytest.mark.programs

NOBODY_THERE = "https://127.0.0.1:1"
Start = Callable[[str], "Running"]


class Running:
    """A program of the tree, and where it listens."""

    def __init__(self, process: Process, url: str) -> None:
        self.process, self.url = process, url

    def status(self, path: str) -> int:
        """What a GET is answered with; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=HANG_GUARD) as answer:  # noqa: S310 -- our own program
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def wait_for(self, path: str) -> None:
        """Until a GET is answered 200."""
        self.process.wait_until(lambda: self.status(path) == 200, path, HANG_GUARD)

    def of_status(self, key: str) -> str:
        """A line of /proc/PID/status."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{key}:"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration and a kubeconfig of a cluster that is not there."""
    folder = tmp_path_factory.mktemp("etc")
    config = {
        "environments": [{"name": "cf", "service": {"host": "127.0.0.1", "port": 1}}],
        "remediator": {"mode": "observe", "webhook": {"token_file": f"{sandbox.HERE}/etc/token"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    kubeconfig(folder / "kubeconfig", NOBODY_THERE)
    (folder / "token").write_text("a-made-up-webhook-token")
    return folder


@pytest.fixture(scope="module")
def start(tree: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a program from the tree, in the sandbox."""
    logs = tmp_path_factory.mktemp("logs")
    running: dict[str, Running] = {}

    def run(name: str) -> Running:
        if name not in running:
            port = free_port()
            flags = (f"--config.file={sandbox.HERE}/etc/config.yaml", f"--kubeconfig={sandbox.HERE}/etc/kubeconfig")
            listen = f"--web.listen-address=127.0.0.1:{port}"
            command = sandbox.command(tree, files, "stagekeeper", name, *flags, listen)
            running[name] = Running(Process(name, command, logs / f"{name}.log"), f"http://127.0.0.1:{port}")
            running[name].wait_for("/-/healthy")
        return running[name]

    yield run
    for each in running.values():
        each.process.stop()


def test_the_exporter_runs_unprivileged_from_a_read_only_tree(start: Start) -> None:
    exporter = start("exporter")
    exporter.wait_for("/-/ready")
    assert exporter.status("/metrics") == 200
    assert exporter.of_status("CapEff") == "0000000000000000"
    assert _mebibytes(exporter) < 80


def test_the_remediator_runs_unprivileged_from_a_read_only_tree(start: Start) -> None:
    remediator = start("remediator")
    assert remediator.status("/-/ready") == 503, "no cluster, no records"
    assert remediator.status("/metrics") == 200
    assert remediator.of_status("CapEff") == "0000000000000000"
    assert _mebibytes(remediator) < 90


def test_helm_test_asks_what_it_should(start: Start) -> None:
    exporter, remediator = start("exporter"), start("remediator")
    exporter.wait_for("/-/ready")
    asked = [f"{exporter.url}/-/ready=200", f"{remediator.url}/api/v1/alerts=401"]
    script = (ROOT / "charts/stagekeeper/files" / "reachable.py").read_text()
    done = subprocess.run(
        [sys.executable, "-c", script, *asked], capture_output=True, text=True, timeout=HANG_GUARD, check=False
    )
    assert (done.returncode, done.stdout.count("as it should be.")) == (0, 2), done.stderr


def test_the_programs_write_nowhere(tree: Path, files: Path) -> None:
    script = "import tempfile; tempfile.TemporaryFile()"
    done = subprocess.run(
        sandbox.command(tree, files, "python3", "-c", script),
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=False,
    )
    assert "No usable temporary directory" in done.stderr, "the sandbox has no place to write to"


def test_the_command_works_from_the_tree_alone(tree: Path, files: Path) -> None:
    command = sandbox.command(
        tree, files, "stagekeeper", "check-config", f"--config.file={sandbox.HERE}/etc/config.yaml"
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.returncode == 0, done.stderr
    assert "diego-api" in done.stdout


def _mebibytes(running: Running) -> float:
    """The memory that the process has now."""
    return int(running.of_status("VmRSS").split()[0]) / 1024
