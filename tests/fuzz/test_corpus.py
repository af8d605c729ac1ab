"""Whatever fuzzing found interesting, or broke something once, is tried in every run of the tests."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_a_corpus_and_stands_all_of_it(target: str) -> None:
    mine = [path for path in FILES if path.parent.name == target]
    assert mine
    for path in mine:
        try:
            TARGETS[target](path.read_bytes())
        except Exception as problem:
            raise AssertionError(f"{path} breaks {target}") from problem


def test_every_file_of_the_corpus_belongs_to_a_target() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)
