"""hadolint can't be had where these tests run, so the rules that matter here are checked one by one, by its names."""

import re

import pytest

from scripts.cache import ROOT

TEXT = (ROOT / "image" / "Containerfile").read_text()
STEPS = [
    tuple(line.split(maxsplit=1))
    for line in re.sub(r"\\\n\s*", " ", TEXT).splitlines()
    if line.strip() and not line.startswith("#")
]


def _all(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def test_every_stage_is_from_the_one_base_whose_digest_has_no_default() -> None:  # DL3006, DL3007
    assert {each.split(" AS ")[0] for each in _all("FROM")} == {"${PYTHON_IMAGE}"}
    assert "PYTHON_IMAGE" in _all("ARG")
    assert any("@sha256:" in each and "PYTHON_IMAGE" in each for each in _all("RUN"))


def test_it_does_not_run_as_root_and_says_so_in_numbers() -> None:  # DL3002
    assert _all("USER") == ["65532:65532"]


@pytest.mark.parametrize("instruction", ["RUN", "ENTRYPOINT"])
def test_no_step_needs_a_shell(instruction: str) -> None:  # DL3025
    assert all(each.startswith("[") for each in _all(instruction))


def test_nothing_is_fetched_but_by_the_hashed_lock() -> None:  # DL3020, DL3008, DL3013
    assert _all("ADD") == []
    assert not re.search(r"\b(apt|apt-get|apk|curl|wget|pip install)\b", "\n".join(_all("RUN")))


def test_nothing_of_the_build_is_in_the_last_stage_but_the_tree() -> None:
    last = STEPS[max(index for index, (name, _) in enumerate(STEPS) if name == "FROM") :]
    assert [rest for name, rest in last if name == "COPY"] == ["--from=build /opt/stagekeeper /opt/stagekeeper"]
    assert not any(name == "RUN" for name, _ in last)


def test_paths_are_absolute_and_nothing_is_deprecated() -> None:  # DL3000, DL3045, DL4000
    assert all(each.startswith("/") for each in _all("WORKDIR"))
    assert _all("MAINTAINER") == []


def test_the_entrypoint_is_the_command_and_no_secret_is_an_argument() -> None:
    assert _all("ENTRYPOINT") == ['["stagekeeper"]']
    assert not re.search(r"(?i)token|password|secret", "\n".join([*_all("ARG"), *_all("ENV")]))
