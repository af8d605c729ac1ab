"""The command line: what it refuses, with which sentence and which exit code."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stagekeeper import __version__
from stagekeeper.service.build import build
from tests.alerts.catalogue import ROOT
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


@pytest.mark.parametrize("program", ["exporter", "remediator"])
@pytest.mark.parametrize("wrong", ["--web.listen-address=nowhere", "--kubeconfig=/none.yaml"])
def test_the_log_begins_with_what_runs_and_ends_with_why_it_does_not(program: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text("remediator: {mode: observe, webhook: {token_file: token}}\n")
    (tmp_path / "token").write_text("x" * 32)
    ended = subprocess.run(
        [sys.executable, "-m", program, f"--config.file={path}", "--log.format=json", wrong],
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    first, *_, last = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [list(line)[:3] for line in (first, last)] == [["ts", "level", "msg"]] * 2
    assert (first["msg"], first["program"], first["config_file"]) == ("Starting.", program, str(path))
    assert (first["version"], first["revision"]) == (__version__, build().revision)
    assert (last["level"], last["msg"]) == ("error", "The program can't run.")
    assert wrong.partition("=")[2] in last["reason"]


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
