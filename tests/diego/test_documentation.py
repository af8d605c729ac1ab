"""docs/diagnosis.md names every diagnosis once, with the gate's answer that the code gives."""

import re
from pathlib import Path

import pytest

from stagekeeper.diego.diagnosis import RESTART, Condition, Restart

TEXT = (Path(__file__).parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| `[a-z_]+` \|", line)
]
WORDS = {Restart.CURES: "pass", Restart.NOT_YET: "not yet", Restart.NEVER: "never"}


def test_every_diagnosis_is_explained_once() -> None:
    assert sorted(row[0].strip("`") for row in TABLE) == sorted(Condition)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0].strip("`"))
def test_the_table_says_what_the_gate_answers(row: list[str]) -> None:
    assert len(row) == 6
    assert all(row)
    assert row[4].startswith(WORDS[RESTART[Condition(row[0].strip("`"))]])


def test_every_diagnosis_has_its_place_in_the_order() -> None:
    order = TEXT[TEXT.index("## Which one wins") : TEXT.index("## Details that decide")]
    assert set(re.findall(r"`([a-z_]+)`", order)) == set(Condition)


def test_every_source_that_is_cited_is_listed() -> None:
    cited = set(re.findall(r"\[(\d)\]", TEXT))
    assert cited == set(re.findall(r"^(\d)\. ", TEXT[TEXT.index("## Where this comes from") :], re.MULTILINE))
