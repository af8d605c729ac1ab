"""The command line: what it refuses, with which sentence and which exit code."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporter.programs import down
from tests.testbed.patience import HANG_GUARD


def refused(*flags: str) -> tuple[int, str]:
    """Exit code and last line of stderr of an exporter that does not start."""
    ended = subprocess.run(
        [sys.executable, "-m", "exporter", "--web.listen-address=127.0.0.1:0", *flags],
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (
            ("--config.file=/none.yaml",),
            2,
            "program=exporter reason=\"/none.yaml: can't be read: No such file or directory.",
        ),
        (("--web.config.file=/none.yaml",), 2, "/none.yaml can't be read"),
        (
            ("--kubeconfig=/none.yaml",),
            2,
            "program=exporter reason=\"No usable Kubernetes configuration: /none.yaml can't be used",
        ),
        (("--web.listen-address=nowhere",), 2, "--web.listen-address=nowhere is not host:port"),
        (("--log.level=loud",), 2, "Invalid value for '--log.level'"),
        (("--config",), 2, "No such option '--config'"),
        (("more",), 2, "Got unexpected extra argument (more)"),
    ],
)
def test_a_wrong_flag_is_one_sentence(flags: tuple[str, ...], code: int, sentence: str) -> None:
    found, said = refused(*flags)
    assert found == code
    assert sentence in said


def test_a_broken_configuration_ends_it_with_2_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text("environments:\n- name: CF\n")
    code, said = refused(f"--config.file={path}")
    assert code == 2
    assert f'program=exporter reason="{path}:2: environments[0].name: must be a Kubernetes name' in said


def test_a_port_in_use_ends_it_with_1_and_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(f"--kubeconfig={down(tmp_path)}", f"--web.listen-address=127.0.0.1:{port}")
    assert code == 1
    assert (
        f"Can't listen on 127.0.0.1:{port}: the port is in use; stop the program that has it, or choose another one "
        "with --web.listen-address."
    ) in said


def test_the_typed_models_of_the_kubernetes_client_are_not_loaded() -> None:
    assessment = "import sys, exporter.__main__; print([name for name in sys.modules if '.client.models.' in name])"
    ended = subprocess.run(
        [sys.executable, "-c", assessment], capture_output=True, text=True, timeout=HANG_GUARD, check=True
    )
    assert ended.stdout.strip() == "[]"
