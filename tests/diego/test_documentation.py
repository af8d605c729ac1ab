"""docs/diagnosis.md explains every diagnosis once, and has the rows of the code, in their order, with their answers."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from stagekeeper.diego.diagnosis import RESTART, ROWS, Condition, Diagnosis, Restart, diagnose
from tests.diego.test_judgement import EXAMPLES, OTHER_EXAMPLES

TEXT = (Path(__file__).parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
WORDS = {Restart.CURES: "pass", Restart.NOT_YET: "not yet", Restart.NEVER: "never"}


def table(first_cell: str) -> list[list[str]]:
    """The cells of the table whose rows begin so."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TEXT.splitlines()
        if re.match(rf"\| {first_cell} \|", line)
    ]


CONDITIONS, ROW_BY_ROW = table("`[a-z_]+`"), table(r"\d+[a-z]?")


def by_row() -> dict[str, list[Diagnosis]]:
    """What each row says of the examples."""
    found: dict[str, list[Diagnosis]] = defaultdict(list)
    for seen in (*EXAMPLES.values(), *OTHER_EXAMPLES):
        found[diagnose(seen).row].append(diagnose(seen))
    return found


def test_every_diagnosis_is_explained_once() -> None:
    assert sorted(row[0].strip("`") for row in CONDITIONS) == sorted(Condition)


@pytest.mark.parametrize("row", CONDITIONS, ids=lambda row: row[0].strip("`"))
def test_the_table_says_what_the_gate_answers(row: list[str]) -> None:
    assert len(row) == 6
    assert all(row)
    assert row[4].startswith(WORDS[RESTART[Condition(row[0].strip("`"))]])


def test_the_rows_stand_in_their_order() -> None:
    assert [row[0] for row in ROW_BY_ROW] == [number for number, _ in ROWS]


@pytest.mark.parametrize("row", ROW_BY_ROW, ids=lambda row: row[0])
def test_each_row_has_the_diagnoses_and_the_answers_of_the_code(row: list[str]) -> None:
    number, names, matches, gate = row
    found = by_row()[number]
    assert matches
    assert set(re.findall(r"`([a-z_]+)`", names)) == {each.name.value for each in found}
    assert set(gate.split(", ")) == {WORDS[each.restart] for each in found}


def test_the_rows_that_are_answered_otherwise_are_named() -> None:
    (cell,) = (row[4] for row in CONDITIONS if row[0] == "`observer_fault`")
    otherwise = {row[0] for row in ROW_BY_ROW if row[1] == "`observer_fault`" and row[3] == "never"}
    assert set(re.findall(r"\b\d+[a-z]?\b", cell)) == otherwise


def test_every_source_that_is_cited_is_listed() -> None:
    cited = set(re.findall(r"\[(\d)\]", TEXT))
    assert cited == set(re.findall(r"^(\d)\. ", TEXT[TEXT.index("## Where this comes from") :], re.MULTILINE))
