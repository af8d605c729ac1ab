"""`stagekeeper resume`: ends a pause, whoever made it, and says which."""

from pathlib import Path

from tests.cli.operating import CONFIG_MAPS, desk


async def test_a_pause_is_ended_and_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        await at.types("pause", "--reason", "tests", "--for", "10m")
        ended = await at.types("resume", "--as-person", "bob")
        assert (ended.code, at.pause()) == (0, None)
        assert "bob (as alice) ended the pause of cf. alice paused it until" in ended.out
        assert [reason for reason, _ in at.events()] == ["Paused", "Resumed"]


async def test_without_a_pause_there_is_nothing_to_do(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("resume")
        assert (ended.code, ended.out) == (0, "Nothing is paused in cf.\n")
        assert at.events() == []


async def test_a_malformed_pause_can_be_ended_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.store.create(
            CONFIG_MAPS, at.env.namespace, {"metadata": {"name": "stagekeeper-pause"}, "data": {"until": "later"}}
        )
        ended = await at.types("resume")
        assert (ended.code, at.pause()) == (0, None)
        assert "malformed" in ended.out


async def test_a_pause_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.types("pause", "--reason", "tests", "--for", "10m")
        at.env.api_faults.answer("DELETE", "configmaps", 409)
        ended = await at.types("resume")
        assert ended.code == 1
        assert "at the same moment" in ended.err
        assert at.pause() is not None


async def test_missing_rights_are_told_in_one_sentence(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("GET", "configmaps", 403)
        ended = await at.types("resume")
        assert (ended.code, len(ended.err.splitlines())) == (1, 1)
        assert "Your rights in the cluster do not suffice." in ended.err
