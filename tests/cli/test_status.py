"""`stagekeeper status`: one screen, also for a program; it changes nothing."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from remediator.gates import GATES
from remediator.remediation import Phase, Reason
from stagekeeper.kube.objects import timestamp
from tests.cli.operating import REMEDIATIONS, Desk, desk


def stands(at: Desk, status: dict[str, Any]) -> None:
    """Give the one record this status."""
    stored = {**at.records()[-1], "status": status}
    at.env.store.replace(REMEDIATIONS, at.env.namespace, stored["metadata"]["name"], stored, status=True)


async def test_where_nothing_happened_it_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("status")
        assert (ended.code, ended.err) == (0, "")
        assert "cf: namespace cf, profile cfee-2" in ended.out
        assert "Pause:       not paused\n" in ended.out
        assert "Diagnosis:   serving, seen from here." in ended.out
        assert "Remediation: none so far\n" in ended.out
        assert ended.out.splitlines()[-1].startswith("Next:        stagekeeper diagnose --config.file ")
        assert not [each for each in at.env.api.requests if each.method not in {"GET", "HEAD"}]


async def test_an_open_remediation_has_its_gates_and_the_earliest_restart(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        opens = at.env.clock.now() + timedelta(minutes=9)
        gates = [{"name": name, "answer": "pass", "why": f"{name} is fine."} for name, _ in GATES]
        gates[-2] |= {"answer": "not_yet", "progress": "3 of 8 checks", "notBefore": timestamp(opens)}
        stands(at, {"phase": "Watching", "reason": "AlertFired", "message": "Gate confirmation.", "gates": gates})
        ended = await at.types("status")
        assert "Remediation: diego-api-r1: Watching for " in ended.out
        assert "confirmation is fine. (3 of 8 checks when it last changed)" in ended.out
        assert f"Restart:     at {opens:%H:%M:%S} UTC at the earliest, in " in ended.out
        assert ended.out.splitlines()[-1].endswith("--environment cf diego-api-r1")


async def test_what_waits_for_approval_says_the_line_to_type(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        stands(at, {"phase": "Escalated", "reason": "AwaitingApproval", "diagnosis": "stuck_unavailable"})
        ended = await at.types("status")
        last = ended.out.splitlines()[-1]
        flags = f"--kubeconfig {at.env.kubeconfig}"
        assert last.startswith(f"Next:        kubectl {flags} -n cf annotate --overwrite remediation diego-api-r1 ")
        assert f'stagekeeper.dev/approve="stuck_unavailable by $(kubectl {flags} auth whoami' in last


async def test_a_pause_is_told_with_the_command_that_ends_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.known_as("alice")
        await at.types("pause", "--reason", "tests", "--for", "3600")
        ended = await at.types("status")
        assert "Pause:       alice paused it until" in ended.out
        assert ended.out.splitlines()[-1].startswith("Next:        stagekeeper resume --config.file ")


async def test_for_a_program_it_is_a_document(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        as_json = json.loads((await at.types("status", "-o", "json")).out)
        as_yaml = yaml.safe_load((await at.types("status", "-A", "-o", "yaml")).out)
        for [found] in (as_json["environments"], as_yaml["environments"]):
            assert (found["environment"], found["diagnosis"]["name"]) == ("cf", "serving")
            assert (found["remediation"]["name"], found["remediation"]["phase"]) == ("diego-api-r1", "Escalated")
            assert found["remediation"]["waitsForPerson"]


async def test_records_that_can_t_be_read_do_not_hide_the_rest(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.env.api_faults.answer("GET", "remediations", 403)
        ended = await at.types("status")
        assert ended.code == 0
        assert "Remediation: GET /apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations" in ended.out
        assert "Diagnosis:   serving" in ended.out


async def test_an_escalation_tells_its_own_next_command_with_the_flags_that_were_given(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        at.move(Phase.ESCALATED, Reason.NEVER, "A node is lost. Next: kubectl get nodes")
        lines = (await at.types("status")).out.splitlines()
        assert lines[-1] == f"Next:        kubectl --kubeconfig {at.env.kubeconfig} get nodes"
        assert [line for line in lines if line.endswith(". A node is lost.")]


async def test_what_matters_stands_out_on_a_terminal_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.watching()
        at.move(Phase.ESCALATED, Reason.NEVER, "A node is lost.")
        shown = await asyncio.to_thread(at.terminal, "status")
        assert "Diagnosis:   \x1b[32mserving\x1b[0m, seen from here." in shown
        assert "diego-api-r1: \x1b[31mEscalated\x1b[0m for " in shown
        assert "\x1b" not in await asyncio.to_thread(lambda: at.terminal("status", NO_COLOR="1"))
        assert "\x1b" not in (await at.types("status")).out
