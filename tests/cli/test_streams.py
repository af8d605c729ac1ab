"""Standard streams may be closed, full, gone or of any encoding: no traceback, and never a false exit code."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stagekeeper.cli.streams import UNWRITABLE
from tests.cli.operating import desk
from tests.testbed.patience import HANG_GUARD

GONE = ""
"""No redirection, but a pipe whose reader is gone."""
UNWRITABLE_STDOUT = {">&-": "Bad file descriptor", ">/dev/full": "No space left on device", GONE: "Broken pipe"}
CODE = "from stagekeeper.cli.streams import hold; hold('it'); import click; "


def shell(redirection: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command whose streams a shell redirects. What stays of its stdout goes to a pipe that nobody reads."""
    readable, writable = os.pipe()
    os.close(readable)
    try:
        return subprocess.run(
            ["bash", "-c", f'"$@" {redirection}', "bash", *command],
            stdout=writable,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANG_GUARD,
            check=False,
            env={**os.environ, **variables},
        )
    finally:
        os.close(writable)


@pytest.mark.parametrize("redirection", UNWRITABLE_STDOUT)
def test_a_stdout_that_takes_nothing_is_a_sentence_and_2(redirection: str) -> None:
    ended = shell(redirection, sys.executable, "-m", "stagekeeper", "--help")
    assert ended.returncode == UNWRITABLE == 2
    assert ended.stderr == (
        "stagekeeper: What this command says can't be written to stdout "
        f"({UNWRITABLE_STDOUT[redirection]}). What it does may be done.\n"
    )


@pytest.mark.parametrize("redirection", [*UNWRITABLE_STDOUT, ">&- 2>&-", ">/dev/full 2>&1", "<&- >&- 2>&-"])
@pytest.mark.parametrize("output", ["text", "json"])
async def test_diagnose_never_says_1_since_nobody_hears_it(tmp_path: Path, redirection: str, output: str) -> None:
    async with desk(tmp_path, remediator=False) as at:
        flags = ("--config.file", str(at.config), "--kubeconfig", str(at.env.kubeconfig), "-o", output)
        command = (sys.executable, "-m", "stagekeeper", "diagnose", *flags)
        ended = await asyncio.to_thread(shell, redirection, *command)
    assert ended.returncode == UNWRITABLE
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_changes_no_exit_code(redirection: str) -> None:
    ended = shell(redirection, sys.executable, "-m", "stagekeeper", "diagnose", "--config.file", "/absent")
    assert (ended.returncode, ended.stderr) == (2, "")


async def test_a_stdin_that_is_closed_answers_no_question(tmp_path: Path) -> None:
    async with desk(tmp_path, remediator=False) as at:
        flags = ("--kubeconfig", str(at.env.kubeconfig), "--reason", "tests", "--for", "10m")
        command = (sys.executable, "-m", "stagekeeper", "pause", *flags)
        ended = await asyncio.to_thread(shell, "<&-", *command)
        assert at.pause() is None
    assert ended.returncode == 2
    assert ended.stderr.endswith("Say it with -n cf, or --yes.\n")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("encoding", ["iso-8859-1", "euc-jp", "utf-8"])
def test_what_an_encoding_lacks_is_written_as_its_escape(encoding: str) -> None:
    code = CODE + r"click.echo('\u0e01\ud800')"
    variables = {**os.environ, "PYTHONIOENCODING": encoding}
    said = subprocess.check_output([sys.executable, "-c", code], env=variables, timeout=HANG_GUARD)
    thai = "\u0e01" if encoding == "utf-8" else r"\u0e01"
    assert said.decode(encoding) == thai + r"\ud800" + "\n"


def test_a_stdout_that_does_not_wait_loses_nothing() -> None:
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    command = [sys.executable, "-c", CODE + "click.echo('x' * 1_000_000)"]
    process = subprocess.Popen(command, stdout=writable, stderr=subprocess.PIPE)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        assert len(pipe.read()) == 1_000_001
    assert process.communicate(timeout=HANG_GUARD)[1] == b""
