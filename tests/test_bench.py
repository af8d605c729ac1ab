"""The benchmark works: its arithmetic, and two quick sections. Whether its goals are met it tells itself."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.__main__ import measure
from bench.numbers import Rounds, percentile
from bench.table import Line, Section, at_most, ratio_at_most, text
from tests.testbed.binaries import Binaries


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 0.99) == 3
    assert percentile([1], 0.5) == 1


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    assert Rounds((1, 10, 30)).over(Rounds((1, 5, 10))) == 2


def test_a_missed_goal_is_said_in_capitals() -> None:
    slow = Line("scrape", "ms", Rounds((12,)), "other", Rounds((10,)), at_most(10))
    assert slow.verdict == "<= 10: MISSED"
    assert (
        Line("scrape", "ms", Rounds((12,)), "other", Rounds((10,)), ratio_at_most(1.5)).verdict == "ratio <= 1.5: met"
    )


def test_the_table_shows_both_sides_with_their_spread() -> None:
    shown = text([Section("Scrape", [Line("p50", "ms", Rounds((1, 2, 3)), "other", Rounds((1, 1, 2)))], ["A note."])])
    assert "SCRAPE" in shown
    assert "2 ms (1..3)" in shown
    assert "other: 1 ms (1..2)" in shown
    assert "A note." in shown


def test_the_page_shows_the_last_result() -> None:
    shown = report.PAGE.read_text()
    assert shown == report.page(shown, json.loads(report.LAST.read_text())), "run `python -m bench.report`"


@pytest.mark.real
@pytest.mark.usefixtures("control_plane_binaries")
async def test_two_sections_of_the_benchmark_run(tmp_path: Path, control_plane_binaries: Binaries) -> None:
    assert control_plane_binaries.apiserver.exists()
    sections = await measure(["intake", "growth"], tmp_path, quick=True)
    assert [bool(section.lines) for section in sections] == [True, True]
    assert all(line.ours.median > 0 for section in sections for line in section.lines)
