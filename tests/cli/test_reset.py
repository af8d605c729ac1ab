"""`stagekeeper reset`: opens the latch of an escalated remediation, once, and says who did it on the record."""

from pathlib import Path

from remediator import record
from tests.cli.operating import desk


async def test_an_escalated_environment_is_released_on_the_record(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        at.escalated()
        ended = await at.types("reset")
        assert ended.code == 0
        assert "alice released diego-api-r1, which had ended Escalated." in ended.out
        remediation = record.load(at.records()[0])
        assert (remediation.latched, remediation.released_by, remediation.phase) == (False, "alice", "Escalated")
        assert [reason for reason, _ in at.events()] == ["Released"]


async def test_the_second_reset_finds_nothing_to_do(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        await at.types("reset")
        ended = await at.types("reset", "--as-person", "somebody else")
        assert (ended.code, ended.out) == (0, "Nothing to reset: diego-api-r1 ended Escalated.\n")
        assert "somebody else" not in record.load(at.records()[0]).released_by


async def test_an_open_remediation_is_not_touched(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        before = at.records()
        ended = await at.types("reset")
        assert (ended.code, at.records()) == (0, before)
        assert "diego-api-r1 is still in progress (Watching)" in ended.out


async def test_without_any_remediation_there_is_nothing_to_release(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("reset")
        assert (ended.code, ended.out) == (0, "Nothing to reset: cf has no remediation yet.\n")


async def test_a_lost_race_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        at.env.api_faults.answer("PUT", "remediations", 409)
        ended = await at.types("reset")
        assert ended.code == 1
        assert "diego-api-r1 changed at the same moment" in ended.err


async def test_a_missing_crd_is_told_with_the_remedy(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("GET", "remediations", 404)
        ended = await at.types("reset")
        assert (ended.code, len(ended.err.splitlines())) == (1, 1)
        assert "install Stagekeeper's chart" in ended.err
