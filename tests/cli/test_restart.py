"""`stagekeeper restart`: opens a remediation in a person's name, after saying what the gates answer.

Deletes nothing.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediator import record
from remediator.commands import restart
from remediator.gates import GATES
from remediator.remediation import Phase, Reason
from stagekeeper.diego.conditions import OVERRIDABLE
from tests.cli.operating import Desk, Ended, desk


async def hung(at: Desk) -> None:
    """Nobody listens any more, and nothing waits for the lock's time to be over."""
    for actor in at.env.actors.kubelet.actors.values():
        for container in actor.containers:
            if container.name == "diego-api":
                container.vanish()
    await at.env.wait_until(lambda: all(_refuses(pod) for pod in at.env.pods()))


def _refuses(pod: dict[str, Any]) -> bool:
    return not any(each["ready"] for each in pod["status"]["containerStatuses"] if each["name"] == "diego-api")


async def test_it_opens_a_remediation_in_the_persons_name_and_deletes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        await hung(at)
        before = [pod["metadata"]["uid"] for pod in at.env.pods()]
        ended = await at.types("restart", "--reason", "it hangs", "--accept", "crash_looping")
        assert (ended.code, ended.err) == (0, "")
        [stored] = at.records()
        assert stored["metadata"]["name"] == "diego-api-r1"
        assert stored["spec"].pop("requestUid")
        assert stored["spec"] == {
            "environment": "cf",
            "person": "alice",
            "why": "it hangs",
            "accept": "crash_looping",
            "mode": "act",
        }
        assert record.load(stored).phase.open
        assert [pod["metadata"]["uid"] for pod in at.env.pods()] == before
        deleted = [each.path for each in at.env.api.requests if each.method == "DELETE"]
        assert [path.rpartition("/")[2] for path in deleted] == ["diego-api-request"]
        assert [reason for reason, _ in at.events()] == ["RestartAsked"]


async def test_it_says_beforehand_what_each_gate_answers(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        await at.types("pause", "--reason", "tests", "--for", "10m")
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs", "--dry-run")
        assert ended.code == 0
        answers = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith("  ")}
        assert answers["pause"] == "not_yet"
        assert answers["confirmation"] == "not_yet"
        assert answers["budget"] == "pass"
        assert set(answers) == {name for name, _ in GATES} - {"mode", "alert"}
        assert "no remediator section" in ended.out
        assert "The remediator's own judgement, in diego-api-r1 (Escalated): " in ended.out
        assert len(at.records()) == 1


async def test_with_the_remediators_own_settings_every_gate_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        settings = yaml.safe_load(at.config.read_text())
        settings["remediator"] = {
            "mode": "observe",
            "webhook": {"token_file": "token"},
            "alertmanagers": [{"url": "http://127.0.0.1:9", "timeout": 1}],
        }
        at.config.write_text(yaml.safe_dump(settings))
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs", "--dry-run")
        answers = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith("  ")}
        assert set(answers) == {name for name, _ in GATES}
        assert (answers["mode"], answers["alert"]) == ("never", "not_yet")


async def waited(at: Desk, *moves: tuple[Phase, Reason, str], timeout: str = "10m") -> Ended:
    """How `restart --wait` ends, while the remediator makes these moves."""
    await hung(at)
    wish = asyncio.create_task(at.types("restart", "--reason", "it hangs", "--wait", "--timeout", timeout))
    await at.env.wait_until(lambda: [each["metadata"]["name"] for each in at.records()] == ["diego-api-r1"])
    for each in moves:
        at.move(*each)
    return await wish


async def test_with_wait_it_tells_each_step_and_ends_with_the_recovery(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await waited(
            at,
            (Phase.RESTARTING, Reason.GATES_OPEN, "Restarting diego-api-0, diego-api-1."),
            (Phase.VERIFYING, Reason.DELETED, "Deletion accepted for diego-api-0, diego-api-1."),
            (Phase.RECOVERED, Reason.SERVING, "diego-api-0 is the active BBS."),
        )
        assert (ended.code, ended.err) == (0, "")
        steps = [line for line in ended.out.splitlines() if " UTC  " in line]
        assert [line.split()[2] for line in steps] == ["Restarting", "Verifying", "Recovered"]
        assert ended.out.splitlines()[-1] == "diego-api-r1 ended Recovered (Serving). diego-api-0 is the active BBS."


async def test_with_wait_an_escalation_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await waited(at, (Phase.ESCALATED, Reason.NEVER, "A node is lost. Next: kubectl get nodes"))
        assert ended.code == 1
        flags = f"--kubeconfig {at.env.kubeconfig}"
        assert ended.err == (
            "stagekeeper restart: diego-api-r1 ended Escalated (RestartIsNoCure). A node is lost. "
            f"Next: kubectl {flags} get nodes\n"
        )


async def test_with_wait_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await waited(at, timeout="1s")
        assert ended.code == 1
        assert "diego-api-r1 is still in progress after 1 s. Is a remediator running?" in ended.err


async def test_a_bbs_that_serves_is_not_restarted_for_anybody(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("restart", "--reason", "to be sure", "--accept", "frozen")
        assert ended.code == 1
        assert "No restart was requested, since none is needed. diego-api-0 is the active BBS" in ended.err
        assert at.records() == []


async def test_an_escalated_environment_is_released_by_the_same_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        at.escalated()
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs")
        assert ended.code == 0
        first, second = map(record.load, at.records())
        assert (first.released_by, second.request.person, second.name) == ("alice", "alice", "diego-api-r2")


async def test_an_open_remediation_is_joined_without_a_word_on_the_record(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs")
        assert ended.code == 0
        assert "diego-api-r1 is still in progress" in ended.out
        assert len(at.records()) == 1


async def test_without_a_remediator_it_says_so_and_how_to_withdraw_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart, "TAKEN_UP_WITHIN", 1.0)
    async with desk(tmp_path, remediator=False) as at:
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs")
        assert ended.code == 1
        assert "No remediator has taken it up within 1 s. Is one running?" in ended.err
        assert ended.err.endswith(" delete remediation diego-api-request\n")
        ended = await at.types("restart", "--reason", "once more")
        assert ended.code == 1
        assert "Somebody asks for a restart already (diego-api-request)" in ended.err
        assert [each["spec"]["why"] for each in at.records()] == ["it hangs"]


async def test_an_override_can_t_be_added_to_an_open_remediation(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        await hung(at)
        ended = await at.types("restart", "--reason", "it hangs", "--accept", "crash_looping")
        assert ended.code == 1
        assert "No new remediation: diego-api-r1 is still in progress" in ended.err


async def test_accepting_something_else_than_what_is_seen_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await hung(at)
        ended = await at.types("restart", "--reason", "a guess", "--accept", "tls_broken", "--dry-run")
        assert "You accept tls_broken, but that is not what is seen from here" in ended.out


@pytest.mark.parametrize("diagnosis", ["split_brain", "serving", "migrating", "nonsense"])
async def test_what_no_person_can_override_is_refused(tmp_path: Path, diagnosis: str) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("restart", "--reason", "x", "--accept", diagnosis)
        assert (ended.code, ended.out, at.records()) == (2, "", [])
        assert f"--accept {diagnosis}: no person can override that" in ended.err
        assert all(each in ended.err for each in OVERRIDABLE)


@pytest.mark.parametrize(
    ("methods", "path", "status", "said"),
    [
        ("GET", "remediations", 404, "install Stagekeeper's chart"),
        ("GET", "remediations", 403, "Your rights in the cluster do not suffice."),
        ("POST", "remediations", 403, "Your rights in the cluster do not suffice."),
        ("POST", "remediations", 503, "HTTP 503"),
    ],
)
async def test_trouble_with_the_api_is_one_sentence(
    tmp_path: Path, methods: str, path: str, status: int, said: str
) -> None:
    async with desk(tmp_path) as at:
        await hung(at)
        at.env.api_faults.answer(methods, path, status)
        ended = await at.types("restart", "--reason", "it hangs")
        assert (ended.code, len(ended.err.splitlines()), at.records()) == (1, 1, [])
        assert said in ended.err
