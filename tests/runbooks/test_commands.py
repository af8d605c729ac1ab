"""Every command of the runbooks, in English and in Korean, does what the page says: it is typed into a shell here."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from simulator.environment import simulated_environment
from simulator.layouts import CFEE_2
from tests.runbooks.conftest import Program
from tests.runbooks.extract import UnknownBlockError, commands
from tests.runbooks.outcomes import OUTCOMES, SERVERS, WITHOUT_KUBELET, Outcome, UntaughtError, outcome_of
from tests.runbooks.pages import COMMANDS, ENGLISH, QUERIES, commands_of, korean, queries_of
from tests.runbooks.shell import Shell
from tests.runbooks.simulated import desk_in_our_pods, simulated_desk
from tests.runbooks.stage import Stage

SIMULATED = (
    Outcome(r"kubectl exec .* -- nc -zv\b", r"\bopen\b"),
    Outcome(r"kubectl exec .* openssl s_client\b", r"subject=.*\n(?s:.*)notAfter="),
    Outcome(r"kubectl logs -n cf \S+ --all-containers\b", r"bbs"),
    Outcome(r"kubectl get pod -n cf .* -L skiff-role-active -o wide", r"diego-api-0 .* (true|false)\b"),
    Outcome(r"kubectl get endpointslices\b", r"diego-api-\w+"),
    Outcome(r"stagekeeper diagnose\b.* --from-pod", r"serving"),
)
"""What a command says of the simulated environment, where a BBS serves. Its API makes no tables: kubectl shows names,
ages and labels only."""
IN_OUR_PODS = (
    Outcome(r".* -- stagekeeper diagnose$", r"^prod: profile cfee-2", codes=(1, 3)),
    Outcome(r".* -- stagekeeper explain -$", r"escalated to a person"),
    Outcome(r".* -- stagekeeper check-config$", r"name: prod"),
)
"""What a command says that a page runs in one of our own pods: with the configuration of the pod and the same API."""
TRIED = [each for each in COMMANDS if outcome_of(each) not in SERVERS]


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_both_languages_hold_the_same_commands_and_queries(page: Path) -> None:
    assert commands_of(page) == commands_of(korean(page))
    assert queries_of(page) == queries_of(korean(page))


def test_every_way_to_try_a_command_is_needed() -> None:
    assert {outcome_of(each) for each in COMMANDS} == set(OUTCOMES)


def test_what_is_not_carried_out_to_its_end_has_a_reason() -> None:
    assert all(each.why_not for each in (*WITHOUT_KUBELET, *SERVERS))
    assert not any(each.why_not for each in set(OUTCOMES) - {*WITHOUT_KUBELET, *SERVERS})


def test_a_command_that_nobody_has_taught_is_refused() -> None:
    with pytest.raises(UntaughtError, match="`helm rollback stagekeeper`: teach"):
        outcome_of("helm rollback stagekeeper")
    with pytest.raises(UnknownBlockError, match="'python'"):
        list(commands("```python\nprint()\n```\n", inline=True))


def test_commands_are_found_wherever_they_stand() -> None:
    sentence, indented = "<!-- `make it` -->\n\nSay `kubectl get pod`, not `serving`.\n\n", "    nc -z a 1\n\n"
    page = f"{sentence}{indented}```sh\n# why\namtool \\\n alert\n```\n"
    assert list(commands(page, inline=True)) == ["amtool  alert", "nc -z a 1", "kubectl get pod"]


@pytest.mark.programs
def test_promtool_accepts_every_query(program: Program, tmp_path: Path) -> None:
    rules = tmp_path / "queries.yaml"
    records = [{"record": f"query{number}", "expr": query} for number, query in enumerate(QUERIES)]
    rules.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": records}]}), encoding="utf-8")
    done = subprocess.run([program("promtool"), "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize("command", TRIED)
def test_a_command_does_on_a_real_api_what_the_page_says(real: Stage, desk: Shell, command: str) -> None:
    expected = outcome_of(command)
    if real.concerns(desk.adapted(command)):
        real.set(paused=not command.startswith("stagekeeper pause"))
    ended = desk.run(command, endless=expected.says if expected.endless else "")
    assert ended.problem(expected) == ""


@pytest.mark.real
@pytest.mark.parametrize("command", [each for each in COMMANDS if " -- stagekeeper " in each])
def test_a_command_in_our_own_pod_does_what_the_page_says(
    real: Stage, desk: Shell, tmp_path: Path, command: str
) -> None:
    real.set()
    [expected] = (each for each in IN_OUR_PODS if re.match(each.pattern, command))
    ended = desk_in_our_pods(desk, tmp_path).run(command)
    assert ended.problem(expected) == ""


@pytest.mark.real
async def test_commands_do_in_the_simulated_environment_what_the_page_says(
    desk: Shell, program: Program, tmp_path: Path
) -> None:
    """What runs in a pod of the real one runs here, and meets a BBS that serves."""
    wrong = {}
    async with simulated_environment(CFEE_2, tmp_path / "simulator") as environment:
        shell = simulated_desk(desk, environment, tmp_path, program("nc.traditional"))
        shell.give("openssl", program("openssl"))
        for expected in SIMULATED:
            for command in (each for each in COMMANDS if re.match(expected.pattern, each)):
                ended = await asyncio.to_thread(shell.run, command)
                if problem := ended.problem(expected):
                    wrong[command] = problem
    assert wrong == {}


@pytest.mark.real
@pytest.mark.parametrize(
    ("usual", "wrong", "said"),
    [
        ("-L skiff-role-active", "-Y skiff-role-active", "unknown shorthand flag"),
        ("get endpointslices", "get endpointslixes", "doesn't have a resource type"),
        ("get pod -n stagekeeper", "get pod -n stagekeeper-system", "No resources found"),
        ("deployment/stagekeeper-exporter", "deployment/exporter", "not found"),
        ("exec -n cf api-0 -- nc", "exec -n cf api-0 --shell nc", "unknown flag: --shell"),
        ("can-i list pods", "can-i list secrets", "no"),
        ("query --alertmanager.url", "query --alertmanager.uri", "unknown long flag"),
        ("--environment prod --from-pod", "--environment live --from-pod", "no environment live"),
    ],
)
def test_a_command_that_is_wrong_is_noticed(desk: Shell, usual: str, wrong: str, said: str) -> None:
    command = next(each for each in COMMANDS if usual in each)
    ended = desk.run(command.replace(usual, wrong))
    assert ended.problem(outcome_of(command))
    assert said in ended.said
