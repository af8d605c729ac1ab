"""The table of subcommands."""

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from stagekeeper import __version__
from stagekeeper.cli.commands import SUBCOMMANDS, Subcommand, stagekeeper
from tests.testbed.patience import HANG_GUARD

HEAVY = ("aiohttp", "kubernetes", "pydantic", "yaml", "structlog", "prometheus_client", "cryptography", "asyncio")


def run(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(stagekeeper, arguments, prog_name="stagekeeper")
    return ended.exit_code, ended.output


def test_help_lists_what_exists_with_its_line() -> None:
    code, said = run("--help")
    assert code == 0
    for each in SUBCOMMANDS:
        assert f"  {each.name} " in said


def test_help_imports_next_to_nothing() -> None:
    assessment = (
        "import sys\nfrom stagekeeper.cli import main\nsys.argv = ['stagekeeper', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", assessment], capture_output=True, text=True, timeout=HANG_GUARD, check=True
    )
    assert "diagnose" in ended.stdout
    assert ended.stderr.strip() == "[]"


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=lambda each: each.name)
def test_every_subcommand_that_is_listed_can_be_called(subcommand: Subcommand) -> None:
    command = subcommand.load()
    assert command.name == subcommand.name
    assert command.help


def test_an_unknown_subcommand_is_a_usage_error() -> None:
    code, said = run("restrat")
    assert code == 2
    assert "No such command 'restrat'." in said


def test_the_version_is_told() -> None:
    code, said = run("--version")
    assert (code, said.split()[0]) == (0, "stagekeeper")


@pytest.mark.parametrize("program", ["stagekeeper", "exporter", "remediator"])
def test_every_program_tells_version_and_revision(program: str) -> None:
    command = [sys.executable, "-m", program, "--version"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=True)
    assert re.fullmatch(rf"{program} {re.escape(__version__)}, revision \w+, Python 3\.\S+\n", ended.stdout)
    if program != "stagekeeper":
        assert run(program, "--version") == (0, ended.stdout)


def test_python_m_stagekeeper_is_the_same_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "stagekeeper", "--version"],
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=True,
    )
    assert ended.stdout == run("--version")[1]
