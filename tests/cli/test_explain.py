"""`stagekeeper explain`: replays incidents and tells stored remediations, offline."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from remediator.gates import GATES
from stagekeeper.cli.commands import stagekeeper
from tests.cli.operating import REMEDIATIONS, desk, on_a_terminal
from tests.incidents.corpus import FOLDER, replayed

TUTORIAL = FOLDER / "01-tutorial.yaml"


def explain(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(stagekeeper, ["explain", *map(str, arguments)], input=stdin)


def as_json(*arguments: object, stdin: str | None = None) -> dict[str, Any]:
    ended = explain("--output", "json", *arguments, stdin=stdin)
    assert (ended.exit_code, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_an_incident_is_told_minute_by_minute() -> None:
    ended = explain(TUTORIAL)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "   4:00  Restarting  GatesOpen" in ended.stdout
    assert "Decision:  restart" in ended.stdout
    assert "Deleted:   diego-api-0, diego-api-1" in ended.stdout
    assert ended.stdout.endswith("Everything is as the file expects.\n")


def test_as_json_it_has_the_diagnosis_the_decision_the_gates_and_the_timeline() -> None:
    found = as_json(TUTORIAL)
    assert (found["diagnosis"], found["decision"]) == ("no_active_bbs", "restart")
    assert [each["name"] for each in found["gates"]] == [name for name, _ in GATES]
    assert {frozenset(each) for each in found["gates"]} == {frozenset({"name", "answer", "why"})}
    assert [each["deleted"] for each in found["timeline"] if each["deleted"]] == [["diego-api-0"], ["diego-api-1"]]
    first = found["timeline"][0]
    assert (first["time"], first["phase"], first["reason"]) == ("2026-11-23T12:02:00Z", "Watching", "AlertFired")
    assert found["timeline"][-1]["phase"] == "Recovered"


def test_what_a_terminal_would_obey_in_a_record_is_shown() -> None:
    forged = "done\x1b[2J\nIt ended well: \u202e"
    document = {
        "kind": "Remediation",
        "metadata": {"name": "diego-api-r1", "creationTimestamp": "2026-11-23T12:00:00Z"},
        "spec": {"environment": "cf", "person": forged},
        "status": {"phase": "Watching", "message": forged},
    }
    told = explain("-", stdin=yaml.safe_dump(document)).stdout
    assert r"done\x1b[2J\nIt ended well: \u202e" in told
    assert all(line.isprintable() for line in told.split("\n"))
    assert explain("--output", "json", "-", stdin=yaml.safe_dump(document)).stdout.isascii()


def test_an_incident_that_ends_otherwise_than_expected_exits_with_1(tmp_path: Path) -> None:
    document = yaml.safe_load(TUTORIAL.read_text())
    document["expect"] = {"decision": "hand_over", "deletions": []}
    file = tmp_path / "incident.yaml"
    file.write_text(yaml.safe_dump(document))
    ended = explain(file)
    assert ended.exit_code == 1
    assert "The decision should be escalate; it is restart." in ended.stdout
    assert "The deleted pods should be none; they are diego-api-0, diego-api-1." in ended.stdout
    assert len(json.loads(explain(file, "--output", "json").stdout)["unexpected"]) == 2


def test_a_what_if_without_expectations_is_only_told(tmp_path: Path) -> None:
    file = tmp_path / "what-if.yaml"
    file.write_text("title: what if\nsource: me\ntimeline: [{at: 0, pods: {diego-api-0: {reply: refused}}}]\n")
    ended = explain(file)
    assert ended.exit_code == 0
    assert "Nothing was opened and nothing was done." in ended.stdout
    assert "Diagnosis: no_active_bbs" in ended.stdout


HEAD = "title: x\nsource: y\ntimeline:\n"
WRONG = {
    "title: x\nsource: y\ntimelin: []\n": "incident.yaml:3: timelin: unknown key (did you mean timeline?)",
    "title: x\nsource: y\ntimeline: []\n": "incident.yaml:3: timeline: must have at least 1 entry",
    f"{HEAD} - {{at: 0, pods: {{diego-api-0: {{repyl: ok}}}}}}\n": "yaml:4: timeline[0].pods.diego-api-0.repyl",
    f"{HEAD} - {{at: 0, pods: {{diego-api-1: {{repyl: ok}}}}}}\n": "(did you mean reply?)",
    f"{HEAD} - {{at: 0, pods: {{diego-api-0: {{reply: okay}}}}}}\n": "timeline[0].pods.diego-api-0.reply",
    f"{HEAD} - {{at: 0, pods: {{diego-api-0: {{reply: auto}}}}}}\n": "auto is for the Service",
    f"{HEAD} - {{at: soon}}\n": "must be a duration",
    f"{HEAD} - {{at: 9}}\n - {{at: 5}}\n": "incident.yaml:5: timeline[1].at: is earlier (5 s)",
    f"until: 5\n{HEAD} - {{at: 9}}\n": "is after the end of the replay (until: 5 s)",
    f"{HEAD} - {{at: 0, pods: {{diego-ap-0: {{}}}}}}\n": "is no pod of diego-api",
    f"{HEAD} - {{at: 0, locket: {{locket-0: {{}}}}}}\n": "is no pod of this profile",
    f"expect: {{gates: {{1: {{confrimation: pass}}}}}}\n{HEAD} - {{at: 0}}\n": "names the gate 'confrimation'",
    f"deletion: {{diego-ap-1: {{}}}}\n{HEAD} - {{at: 0}}\n": "yaml:1: deletion.diego-ap-1: is no pod of diego-api",
    f"{HEAD} - {{at: 0, operator: {{delete: [api-0]}}}}\n": "yaml:4: timeline[0].operator.delete.api-0: is no pod of",
    f"start: 0001-01-01T00:00:00Z\n{HEAD} - {{at: 0}}\n": "yaml:1: start: must be a time between the years",
    f"until: 20d\n{HEAD} - {{at: 0}}\n": "yaml:1: until: must be at most 172800",
    "title: x\ntitle: y\n": "is given twice",
    "- a list\n": "must be a mapping",
    "{": "is not valid YAML",
    "": "is missing and has no default",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_with_its_place_and_exits_with_2(tmp_path: Path, text: str) -> None:
    file = tmp_path / "incident.yaml"
    file.write_text(text)
    ended = explain(file)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert WRONG[text] in ended.stderr


def test_a_file_that_is_not_there_exits_with_2(tmp_path: Path) -> None:
    ended = explain(tmp_path / "none.yaml")
    assert ended.exit_code == 2
    assert "can't be read: No such file or directory" in ended.stderr


def test_bytes_that_are_no_text_exit_with_2(tmp_path: Path) -> None:
    file = tmp_path / "incident.yaml"
    file.write_bytes(b"title: \xff")
    assert "is not UTF-8 text" in explain(file).stderr


def stored() -> list[dict[str, Any]]:
    """The records of the stuck BBS: handed over, released by a person, restarted on their word."""
    return [dict(each) for each in replayed("29-stuck-unavailable").records]


def test_a_stored_record_is_told_as_a_story(tmp_path: Path) -> None:
    file = tmp_path / "remediation.yaml"
    file.write_text(yaml.safe_dump(stored()[1]))
    ended = explain(file)
    assert ended.exit_code == 0
    assert "because alice asked for a restart (“no migration is running”), accepting the diagnosis" in ended.stdout
    assert "The plan, written once before the first deletion: diego-api (diego-api-0, diego-api-1)" in ended.stdout
    assert "What was seen when it was written:\n  Service: unavailable." in ended.stdout
    assert "diego-api-0 was deleted by the remediator." in ended.stdout
    assert "Result: recovered (proven in one check after the other" in ended.stdout


def test_an_escalated_record_says_how_it_was_released() -> None:
    ended = explain("-", stdin=json.dumps(stored()[0]))
    assert "It was escalated to a person." in ended.stdout
    assert "It was released at 2026-11-23 12:09:00 UTC by alice." in ended.stdout


def test_a_record_as_json_has_the_same_keys_as_a_replay() -> None:
    found = as_json("-", stdin=json.dumps(stored()[1]))
    assert (found["diagnosis"], found["decision"]) == ("stuck_unavailable", "restart")
    assert {"name", "answer", "why"} == set(found["gates"][0])
    assert [each["deleted"] for each in found["timeline"] if each["deleted"]] == [["diego-api-0"], ["diego-api-1"]]
    assert [each["phase"] for each in found["timeline"]][-1] == "Recovered"


def test_a_list_of_records_is_told_one_after_the_other() -> None:
    found = as_json("-", stdin=yaml.safe_dump({"kind": "List", "items": stored()}))
    assert [each["phase"] for each in found["remediations"]] == ["Escalated", "Recovered"]


def test_unquoted_times_are_read_as_kubectl_reads_them() -> None:
    text = yaml.safe_dump(stored()[1]).replace("'2026", "2026").replace("Z'", "Z")
    assert "'2026" not in text
    assert explain("-", stdin=text).exit_code == 0


def test_a_record_that_nobody_has_worked_on_yet_can_be_told() -> None:
    fresh = {key: value for key, value in stored()[0].items() if key != "status"}
    ended = explain("-", stdin=json.dumps(fresh))
    assert ended.exit_code == 0
    assert "It asks every gate; a person is paged at" in ended.stdout


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "Remediation", "metadata": {"name": "no-ordinal-x"}}, "does not end in -r and a number"),
        ({"kind": "Remediation", "metadata": {"name": "diego-api-r1"}}, "can't be understood"),
        ({"kind": "List", "items": []}, "holds no Remediation"),
    ],
)
def test_a_record_that_can_t_be_understood_exits_with_2(document: dict[str, Any], said: str) -> None:
    ended = explain("-", stdin=json.dumps(document))
    assert ended.exit_code == 2
    assert said in ended.stderr


async def test_without_a_name_the_newest_remediation_of_the_cluster_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.escalated()
        assert (await at.types("explain", "diego-api-r2")).code == 1
        asked = await at.types("restart", "--reason", "it hangs")
        assert asked.code == 1, "the BBS serves"
        ended = await at.types("explain")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("diego-api-r1 of environment cf was opened at ")
        reset = f"stagekeeper reset --config.file {at.config} --kubeconfig {at.env.kubeconfig} --environment cf"
        assert f"To release it: {reset}\n" in ended.out


async def test_a_remediation_of_the_cluster_is_told_by_its_name(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        records = await asyncio.to_thread(stored)  # it has a loop of its own
        for item in ({**each, "metadata": {"name": each["metadata"]["name"]}} for each in records):
            at.env.store.create(REMEDIATIONS, at.env.namespace, item)
            made = {**at.records()[-1], "status": item["status"]}
            at.env.store.replace(REMEDIATIONS, at.env.namespace, item["metadata"]["name"], made, status=True)
        for name, decision in (("diego-api-r1", "escalate"), ("diego-api-r2", "restart")):
            as_yaml = yaml.safe_load((await at.types("explain", name, "-o", "yaml")).out)
            assert (as_yaml["title"], as_yaml["decision"]) == (name, decision)
            assert as_yaml == json.loads((await at.types("explain", name, "-o", "json")).out)
        assert (await at.types("explain")).out.startswith("diego-api-r2 of environment ")
        ended = await at.types("explain", "diego-api-r9")
        assert (ended.code, ended.out) == (1, "")
        assert "has no remediation diego-api-r9. There are: diego-api-r1, diego-api-r2." in ended.err


async def test_without_any_remediation_it_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("explain")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == "stagekeeper explain: cf (namespace cf) has no remediation yet.\n"


def test_phases_and_answers_stand_out_on_a_terminal_alone(tmp_path: Path) -> None:
    file = tmp_path / "remediation.yaml"
    file.write_text(yaml.safe_dump(stored()[0]))
    command = [sys.executable, "-m", "stagekeeper", "explain", str(file)]
    shown = on_a_terminal(command)
    assert "UTC: \x1b[31mEscalated\x1b[0m (AwaitingApproval)." in shown
    assert "diagnosis: \x1b[31mnever\x1b[0m. " in shown
    assert "\x1b" not in on_a_terminal(command, NO_COLOR="1")


def test_a_standard_input_that_is_no_text_is_said_so() -> None:
    ended = CliRunner().invoke(stagekeeper, ["explain", "-"], input=b"environment: \xff\n")
    assert (ended.exit_code, ended.stderr) == (
        2,
        "stagekeeper explain: the standard input: is not UTF-8 text (byte 13).\n",
    )


def test_an_incident_is_told_as_yaml_too() -> None:
    assert yaml.safe_load(explain(TUTORIAL, "-o", "yaml").stdout) == as_json(TUTORIAL)
