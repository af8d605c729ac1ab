"""A remediator may die, stall or race anywhere: on a real API server, each planned pod is deleted once all the same."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crashes.cloud_foundry import NETWORKS
from tests.testbed.netns import run_in_namespace
from tests.testbed.patience import HANG_GUARD

pytestmark = [pytest.mark.real, pytest.mark.alone]
_LONGEST = 2 * HANG_GUARD  # seconds; it takes about 50
_LINES = 40
Facts = dict[str, Any]
Seen = Callable[[str], Facts]


@pytest.fixture(scope="module")
def seen(
    request: pytest.FixtureRequest, program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    """Gives what was seen of each story, all of which have been played."""
    program("prometheus-alertmanager")
    program("helm")
    for needed in ("control_plane_binaries", "network_namespaces"):
        request.getfixturevalue(needed)
    folder = tmp_path_factory.mktemp("crashes")
    command = [sys.executable, "-m", "tests.crashes.stories", str(folder)]
    played = run_in_namespace(NETWORKS, command, _LONGEST)
    said = f"{played.stdout}\n{_log_tails(folder)}"

    def facts(story: str) -> Facts:
        assert played.returncode == 0, said
        found: Facts = json.loads((folder / f"{story}.json").read_text())
        assert "problem" not in found, f"{said}\n{found['problem']}"
        return found

    return facts


def _log_tails(folder: Path) -> str:
    """The ends of all logs in a folder."""
    return "\n".join(
        "\n".join([f"--- end of {log} ---", *log.read_text(errors="replace").splitlines()[-_LINES:]])
        for log in sorted(folder.rglob("*.log"))
    )


def _accepted(facts: Facts) -> Counter[str]:
    """How often the deletion of each UID was accepted."""
    return Counter(each["uid"] for each in facts["requests"] if each["status"] == 200)


def _sent_by(facts: Facts, who: str) -> list[int]:
    """The answers that one remediator got to its deletions."""
    return [each["status"] for each in facts["requests"] if each["by"] == who]


def _assert_restarted_once(facts: Facts) -> None:
    """One plan; each of its pods deleted once, replaced once, and nothing else touched; proven to serve."""
    status = facts["record"]["status"]
    old, new = facts["before"].values(), facts["after"].values()
    assert status["phase"] == "Recovered"
    assert facts["plans"] == [status["plan"]]
    assert [pod["uid"] for step in status["plan"]["steps"] for pod in step["pods"]] == [*old]
    assert _accepted(facts) == Counter(old)
    assert facts["deletions"].keys() == set(old)
    assert {uid for uid, name in facts["names"].items() if name in facts["before"]} == {*old, *new}
    assert not {*old} & {*new}


@pytest.mark.parametrize(
    ("story", "deleted_before"),
    [("plan-written", 0), ("first-deleted", 1), ("first-noted", 1), ("last-deleted", 2), ("verifying", 2)],
)
def test_what_a_killed_remediator_left_is_finished_by_the_next_and_nothing_is_done_twice(
    seen: Seen, story: str, deleted_before: int
) -> None:
    facts = seen(story)
    assert facts["exit_code"] == -9
    assert facts["record"]["status"]["plan"] == facts["plan_at_death"]
    assert _sent_by(facts, "first") == [200] * deleted_before
    assert _sent_by(facts, "second") == [200] * (2 - deleted_before)
    _assert_restarted_once(facts)


def test_of_two_remediators_that_write_the_plan_in_the_same_instant_one_wins_and_both_follow_it(
    seen: Seen,
) -> None:
    facts = seen("race")
    assert facts["swaps"] == [200, 409]
    _assert_restarted_once(facts)


def test_a_remediator_that_was_stopped_right_before_a_deletion_sends_none_when_it_goes_on(seen: Seen) -> None:
    facts = seen("stalled")
    assert _sent_by(facts, "first") == []
    _assert_restarted_once(facts)


def test_a_deletion_that_arrives_after_everything_is_over_is_refused_and_not_repeated(seen: Seen) -> None:
    facts = seen("late")
    assert _sent_by(facts, "first") == [409]
    _assert_restarted_once(facts)
