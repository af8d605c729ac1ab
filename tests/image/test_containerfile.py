"""The Containerfile as hadolint judges it, and what hadolint has no rule for."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.image.hadolint import find_hadolint
from tests.testbed.patience import HANG_GUARD

FILE = ROOT / "image" / "Containerfile"
TEXT = FILE.read_text()
STEPS = [
    tuple(line.split(maxsplit=1))
    for line in re.sub(r"\\\n\s*", " ", TEXT).splitlines()
    if line.strip() and not line.startswith("#")
]


def _all(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


@pytest.fixture(scope="module")
def hadolint() -> Path:
    """The linter."""
    return find_hadolint()


def _lint(hadolint: Path, text: str) -> list[str]:
    """The rules that are broken; every one counts, down to those of style."""
    command: list[str | Path] = [hadolint, "--no-color", "--failure-threshold=style", "--format=json", "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=HANG_GUARD, check=False, cwd=ROOT
    )
    assert done.stderr == ""
    return re.findall(r'"code":"(\w+)"', done.stdout)


@pytest.mark.programs
def test_hadolint_has_nothing_to_say(hadolint: Path) -> None:
    assert _lint(hadolint, TEXT) == []


@pytest.mark.programs
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("WORKDIR /build", "WORKDIR build", "DL3000"),
        ("FROM ${PYTHON_IMAGE}\n", "FROM python:latest\n", "DL3007"),
        ('ENTRYPOINT ["stagekeeper"]', "ENTRYPOINT stagekeeper", "DL3025"),
        ("COPY image/ image/", "ADD image/ image/", "DL3020"),
        ("USER 65532:65532", "USER root", "DL3002"),
    ],
)
def test_hadolint_would_see_a_mistake(hadolint: Path, old: str, new: str, rule: str) -> None:
    assert old in TEXT
    assert rule in _lint(hadolint, TEXT.replace(old, new))


def test_every_stage_is_from_the_one_base_whose_digest_has_no_default() -> None:
    assert {each.split(" AS ")[0] for each in _all("FROM")} == {"${PYTHON_IMAGE}"}
    assert "PYTHON_IMAGE" in _all("ARG")
    assert any("@sha256:" in each and "PYTHON_IMAGE" in each for each in _all("RUN"))


def test_it_does_not_run_as_root_and_says_so_in_numbers() -> None:
    assert _all("USER") == ["65532:65532"]


@pytest.mark.parametrize("instruction", ["RUN", "ENTRYPOINT"])
def test_no_step_needs_a_shell(instruction: str) -> None:
    assert all(each.startswith("[") for each in _all(instruction))


def test_nothing_is_fetched_but_by_the_hashed_lock() -> None:
    assert _all("ADD") == []
    assert not re.search(r"\b(apt|apt-get|apk|curl|wget|pip install)\b", "\n".join(_all("RUN")))


def test_nothing_of_the_build_is_in_the_last_stage_but_the_tree() -> None:
    last = STEPS[max(index for index, (name, _) in enumerate(STEPS) if name == "FROM") :]
    assert [rest for name, rest in last if name == "COPY"] == ["--from=build /opt/stagekeeper /opt/stagekeeper"]
    assert not any(name == "RUN" for name, _ in last)


def test_the_entrypoint_is_the_command_and_no_secret_is_an_argument() -> None:
    assert _all("ENTRYPOINT") == ['["stagekeeper"]']
    assert not re.search(r"(?i)token|password|secret", "\n".join([*_all("ARG"), *_all("ENV")]))
