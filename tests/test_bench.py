"""The benchmark works: its arithmetic, and two quick sections. Whether its goals are met it tells itself."""

from pathlib import Path

import pytest

from bench import report
from bench.__main__ import measure
from bench.table import Line, Rounds, Section, markdown, percentile


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 0.99) == 3
    assert percentile([1], 0.5) == 1


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    assert Rounds((1, 10, 30)).over(Rounds((1, 5, 10))) == 2


def test_a_missed_goal_is_said_in_capitals() -> None:
    assert Rounds((12,)).at_most(10) == "<= 10: MISSED"
    assert Rounds((9, 10, 11)).at_most(10) == "<= 10: met"


def test_the_table_shows_both_sides_with_their_spread() -> None:
    shown = markdown(
        [Section("Scrape", [Line("p50", "ms", Rounds((1, 2, 3)), "other", Rounds((1, 1, 2)))], ["A note."])]
    )
    assert "### Scrape" in shown
    assert "| 2 ms (1 to 3) | other: 1 ms (1 to 2) |" in shown
    assert "* A note." in shown


def test_the_page_gets_the_result_and_keeps_the_rest() -> None:
    old = report.PAGE.read_text()
    new = report.page(old, "Measured today.", "| what |")
    before, _, after = old.partition(report.BEGIN)
    assert new.startswith(before)
    assert new.endswith(after.partition(report.END)[2])
    assert new.count("Measured today.\n\n| what |") == 1


@pytest.mark.programs
async def test_two_sections_of_the_benchmark_run(tmp_path: Path) -> None:
    sections = await measure(["webhook", "growth"], tmp_path, quick=True)
    assert [bool(section.lines) for section in sections] == [True, True]
    assert all(line.ours.median > 0 for section in sections for line in section.lines)
