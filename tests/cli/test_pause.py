"""`stagekeeper pause`: a pause that the remediator understands, and that people can trace."""

import getpass
from datetime import timedelta
from pathlib import Path

import pytest

from remediator import pause
from stagekeeper.kube.objects import time, timestamp
from tests.cli.operating import desk


async def test_a_pause_is_what_the_remediator_reads(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        ended = await at.types("pause", "--reason", "network maintenance", "--for", "2h")
        assert (ended.code, ended.err) == (0, "")
        data = at.pause()
        found = pause.read({"data": data}, at.env.clock.now())
        assert found.paused
        assert "alice paused it until" in found.why
        assert "network maintenance" in found.why
        until = time(data["until"]) if data else None
        assert until is not None
        assert timedelta(minutes=118) < until - at.env.clock.now() <= timedelta(hours=2)
        assert not pause.read({"data": data}, until).paused


async def test_it_leaves_an_event_and_says_who_it_thinks_you_are(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        [(reason, message)] = at.events()
        assert reason == "Paused"
        assert message.startswith("alice paused the remediator in cf until")
        assert "as the API server knows you" in ended.out


async def test_the_name_on_record_is_the_login_where_the_api_server_does_not_tell(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        assert (at.pause() or {})["by"] == getpass.getuser()
        assert "your login here" in ended.out


async def test_a_name_that_is_given_does_not_hide_whose_rights_were_used(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("kubernetes-admin")
        await at.types("pause", "--reason", "tests", "--for", "10m", "--as-person", "bob")
        assert (at.pause() or {})["by"] == "bob (as kubernetes-admin)"


async def test_a_second_pause_replaces_the_first_and_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        await at.types("pause", "--reason", "first", "--for", "10m")
        until = timestamp(at.env.clock.now() + timedelta(hours=1))
        ended = await at.types("pause", "--reason", "second", "--until", until)
        assert ended.code == 0
        assert "It replaces: alice paused it until" in ended.out
        assert at.pause() == {"by": "alice", "reason": "second", "until": until}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--reason", "x"), "Say either --until MOMENT or --for DURATION"),
        (("--reason", "x", "--for", "1h", "--until", "2030-01-01T00:00:00Z"), "Say either --until"),
        (("--reason", "x", "--for", "soon"), "'soon' must be a duration"),
        (("--reason", "x", "--until", "soon"), "--until soon: must be a moment"),
        (("--reason", "x", "--until", "2020-01-01T00:00:00Z"), "is over: it is"),
        (("--reason", " ", "--for", "1h"), "--reason must say why"),
        (("--reason", "x" * 1025, "--for", "1h"), "--reason must have at most 1024 characters"),
        (("--reason", "x", "--for", "1h", "--environment", "other"), "There is no environment other"),
        (("--reason", "x", "--for", "1h", "--environment", "cf", "--all"), "--all means every environment"),
        (("--reason", "x", "--for", "1h", "--as-person", "x" * 200), "--as-person must have at most"),
    ],
)
async def test_a_wrong_flag_is_told_and_changes_nothing(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("pause", *options)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err
        assert at.pause() is None


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("pause", ("--reason", "x", "--until", "soon"), "--until soon: must be a moment"),
        ("pause", ("--reason", " ", "--for", "1h"), "--reason must say why"),
        ("restart", ("--reason", "x", "--accept", "foo"), "--accept foo: no person can override that"),
    ],
)
async def test_a_wrong_flag_is_told_before_the_cluster_is_asked(
    tmp_path: Path, command: str, options: tuple[str, ...], said: str
) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("GET", "statefulsets", 503)
        ended = await at.types(command, *options)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err


async def test_who_can_not_reach_the_cluster_is_told_of_no_other_flags(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("GET", "statefulsets", 503)
        ended = await at.types("pause", "--reason", "x", "--for", "1h", "-n", "cf", "--profile", "auto")
        assert ended.code == 1
        assert "No environment to work on: " in ended.err
        assert "--namespace" not in ended.err


async def test_missing_rights_are_told_in_one_sentence(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("POST", "configmaps", 403)
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        assert ended.code == 1
        assert ended.err.startswith("stagekeeper pause: Your rights in the cluster do not suffice.")
        assert len(ended.err.splitlines()) == 1


async def test_an_event_that_can_t_be_left_does_not_undo_the_pause(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("POST", "/events", 403)
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        assert ended.code == 0
        assert "No Event could be left" in ended.out
        assert at.pause() is not None


async def test_a_race_with_another_operator_is_lost_loudly(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("POST", "configmaps", 409)
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        assert ended.code == 1
        assert "at the same moment" in ended.err


async def test_an_unreachable_api_server_is_told_in_one_sentence(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.close("GET POST", "/")
        ended = await at.types("pause", "--reason", "tests", "--for", "10m")
        assert ended.code == 1
        assert "can't be reached" in ended.err
        assert len(ended.err.splitlines()) == 1
