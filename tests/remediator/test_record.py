"""What is stored is what is read again; what this version does not understand is refused, never guessed at."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator import record
from remediator.approval import Approval
from remediator.record import Unreadable
from remediator.remediation import (
    Deletion,
    GateResult,
    Outcome,
    Phase,
    Plan,
    PlannedPod,
    Reason,
    Remediation,
    Request,
    Step,
    Transition,
)
from stagekeeper.kube.objects import timestamp
from tests.diego.observations import NOW
from tests.remediator.builders import remediation, restarting

_TIMES = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_TEXTS = st.text(max_size=40)
_PLANS = st.builds(
    Plan,
    _TIMES,
    _TEXTS,
    st.lists(
        st.builds(
            Step, _TEXTS, st.lists(st.builds(PlannedPod, _TEXTS, _TEXTS), max_size=3).map(tuple), st.integers(0, 10_000)
        ),
        max_size=2,
    ).map(tuple),
)
_GATES = st.builds(GateResult, st.sampled_from(Outcome), _TEXTS, _TEXTS, st.none() | _TIMES)
REMEDIATIONS = st.builds(
    Remediation,
    name=st.integers(1, 999).map("diego-api-r{}".format),
    request=st.builds(Request, *[_TEXTS] * 9),
    created=_TIMES,
    phase=st.sampled_from(Phase),
    reason=st.sampled_from(Reason),
    message=_TEXTS,
    since=_TIMES,
    plan=st.none() | _PLANS,
    would_restart=st.none() | _PLANS,
    deletions=st.lists(st.builds(Deletion, _TEXTS, _TEXTS, _TEXTS, _TIMES), max_size=3).map(tuple),
    gates=st.lists(st.tuples(_TEXTS, _GATES), max_size=3).map(tuple),
    diagnosis=_TEXTS,
    evidence=st.lists(_TEXTS, max_size=3).map(tuple),
    plan_evidence=st.lists(_TEXTS, max_size=3).map(tuple),
    refused=_TEXTS,
    transitions=st.lists(
        st.builds(Transition, _TIMES, st.sampled_from(Phase), st.sampled_from(Reason), _TEXTS), max_size=3
    ).map(tuple),
    overdue=st.booleans(),
    released_at=st.none() | _TIMES,
)


def as_created(found: Remediation) -> dict[str, Any]:
    """The object as the API has it before anything is known of it."""
    metadata = {
        "name": found.name,
        "resourceVersion": "7",
        "creationTimestamp": f"{found.created:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {"metadata": metadata, "spec": record.spec(found.request)}


@settings(deadline=None)  # a busy machine
@given(REMEDIATIONS)
def test_what_is_stored_is_what_is_read_again(found: Remediation) -> None:
    found = replace(found, released_by="kim" if found.released_at else "", extra=as_created(found))
    again = record.load(json.loads(json.dumps(record.store(found))))
    assert again == found
    for (_, before), (_, after) in zip(found.gates, again.gates, strict=True):
        assert (before.progress, before.not_before) == (after.progress, after.not_before)


def test_a_new_one_is_stored_with_nothing_but_how_it_stands() -> None:
    opened = timestamp(NOW)
    stands = {"status": "False", "lastTransitionTime": opened, "reason": "AlertFired", "message": ""}
    assert record.store(remediation()) == {
        "status": {
            "phase": "Watching",
            "reason": "AlertFired",
            "message": "",
            "since": opened,
            "deletions": [],
            "gates": [],
            "diagnosis": "",
            "evidence": [],
            "overdue": False,
            "refused": "",
            "transitions": [],
            "conditions": [{"type": name, **stands} for name in ("Recovered", "Escalated", "Complete")],
        }
    }


def test_an_empty_status_is_watching() -> None:
    found = record.load(as_created(remediation()))
    assert (found.phase, found.reason, found.plan, found.entered) == (
        Phase.WATCHING,
        Reason.ALERT,
        None,
        found.created,
    )


def test_a_remediation_that_a_person_opened_says_so_from_the_beginning() -> None:
    found = record.load(as_created(replace(remediation(), request=Request("cf", person="kim"))))
    assert found.reason is Reason.PERSON


def test_an_approval_is_read_anew_from_the_annotations() -> None:
    source = as_created(remediation())
    source["metadata"]["annotations"] = {"stagekeeper.dev/approve": "frozen by alice"}
    assert record.load(source).approval == Approval("frozen", "alice")


def test_a_request_leaves_out_what_it_does_not_know() -> None:
    request = Request("cf", alertname="StagerUnavailable", starts_at="2026-11-23T12:00:00Z")
    assert record.spec(request) == {
        "environment": "cf",
        "alertname": "StagerUnavailable",
        "startsAt": "2026-11-23T12:00:00Z",
    }


def test_fields_of_a_newer_version_survive_ours() -> None:
    source = {**as_created(remediation()), "kind": "Remediation", "status": {"phase": "Watching", "mood": "calm"}}
    stored = record.store(record.load(source).moved(Phase.RECOVERED, Reason.SERVING, "", remediation().created))
    assert (stored["kind"], stored["status"]["mood"], stored["status"]["phase"]) == (
        "Remediation",
        "calm",
        "Recovered",
    )


def test_the_resource_version_that_was_read_is_the_one_that_is_swapped() -> None:
    assert record.store(record.load(as_created(remediation())))["metadata"]["resourceVersion"] == "7"


def test_a_text_beyond_the_schemas_limits_does_not_keep_the_status_from_being_stored() -> None:
    gates = (("pause", GateResult(Outcome.NOT_YET, "x" * 5000)),)
    found = replace(remediation(), message="y" * 5000, evidence=("z" * 5000,) * 300, gates=gates)
    status = record.store(found)["status"]
    assert (len(status["message"]), len(status["evidence"]), len(status["evidence"][0])) == (4096, 200, 2048)
    assert len(status["gates"][0]["why"]) == 2048
    assert status["message"].endswith("...")
    fitting = record.store(replace(found, message="y" * 4096, evidence=("z" * 2048,)))["status"]
    assert (fitting["message"], fitting["evidence"]) == ("y" * 4096, ["z" * 2048])


@pytest.mark.parametrize(
    "name",
    ["diego-api", "diego-api-r", "-r1", "diego-api-r1a", "diego-api-1", "diego-api-r01", "diego-api-r1234567890", ""],
)
def test_a_name_that_is_not_of_our_form_belongs_to_no_target(name: str) -> None:
    with pytest.raises(Unreadable, match="does not end in -r and a number"):
        record.load({"metadata": {"name": name}})


GOOD = record.store(restarting(["diego-api-0"], extra=as_created(remediation())))["status"]


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "Dancing"},
        {"phase": ["Watching"]},
        {"reason": "BecauseIWantTo"},
        {"since": "yesterday"},
        {"since": "9000-01-01T00:00:00Z"},
        {"releasedAt": 5},
        {"plan": {}},
        {"plan": {"decidedAt": "2026-11-23T12:00:00Z"}},
        {"plan": {**GOOD["plan"], "decidedAt": None}},
        {"plan": {**GOOD["plan"], "steps": [{"workload": "x", "pods": [{"name": "x"}], "deadlineSeconds": 1}]}},
        {"plan": {**GOOD["plan"], "steps": [{"workload": "x", "pods": [], "deadlineSeconds": 2_592_001}]}},
        {"plan": {**GOOD["plan"], "steps": [{"workload": "x", "pods": [], "deadlineSeconds": -1}]}},
        {"plan": {**GOOD["plan"], "steps": [{"workload": "x", "pods": [], "deadlineSeconds": "soon"}]}},
        {"deletions": [{"name": "x"}]},
        {"gates": [{"name": "pause", "answer": "maybe", "why": ""}]},
        {"transitions": [{"at": "x", "phase": "Watching", "reason": "AlertFired"}]},
        {"evidence": 7},
    ],
)
def test_a_status_that_is_not_understood_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match=r"^Remediation diego-api-r1: its status can't be understood \("):
        record.load({**as_created(remediation()), "status": {**GOOD, **change}})


@pytest.mark.parametrize("seconds", [0, 2_592_000])
def test_a_deadline_of_up_to_thirty_days_and_a_time_of_any_year_of_ours_are_read(seconds: int) -> None:
    step = {"workload": "x", "pods": [], "deadlineSeconds": seconds}
    status = {**GOOD, "since": "8999-12-31T23:59:59Z", "plan": {**GOOD["plan"], "steps": [step]}}
    found = record.load({**as_created(remediation()), "status": status})
    assert found.plan is not None
    assert (found.plan.steps[0].deadline_seconds, found.entered.year) == (seconds, 8999)


def test_a_record_without_a_time_of_creation_is_refused() -> None:
    """Else it would be as old as the epoch, and given up at once."""
    with pytest.raises(Unreadable):
        record.load({"metadata": {"name": "diego-api-r1"}})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*sorted(GOOD), "wouldRestart", "releasedAt", "?"]), _JSON, max_size=6))
def test_whatever_a_status_holds_it_is_read_or_refused(status: dict[str, Any]) -> None:
    try:
        found = record.load({**as_created(remediation()), "status": {**GOOD, **status}})
    except Unreadable:
        return
    assert record.load(record.store(found)).phase is found.phase


def summary(stored: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(stored["status"].get(name) for name in ("cause", "deleted", "took"))


def test_kubectl_shows_the_cause_what_was_deleted_and_how_long_it_took() -> None:
    watching = remediation(age=252, diagnosis="starting")
    assert summary(record.store(watching)) == ("starting", None, None)
    assert summary(record.store(restarting())) == ("no_active_bbs", "0/2", None)
    assert summary(record.store(restarting(["diego-api-0"], age=252))) == ("no_active_bbs", "1/2", None)
    done = restarting(["diego-api-0", "diego-api-1"], age=252, diagnosis="serving")
    ended = done.moved(Phase.RECOVERED, Reason.SERVING, "It serves.", NOW)
    assert summary(record.store(ended)) == ("no_active_bbs", "2/2", "4m12s")


def test_what_healed_by_itself_keeps_the_cause_that_was_seen() -> None:
    stored = record.store(remediation(diagnosis="starting"))
    healed = remediation(diagnosis="serving", extra=stored).moved(Phase.SELF_HEALED, Reason.SERVING, "", NOW)
    assert summary(record.store(healed)) == ("starting", None, "0s")


@pytest.mark.parametrize(("seconds", "shown"), [(59, "59s"), (60, "1m0s"), (3599, "59m59s"), (7500, "2h5m")])
def test_a_duration_is_shown_as_kubernetes_does(seconds: int, shown: str) -> None:
    ended = remediation(age=seconds).moved(Phase.ESCALATED, Reason.GAVE_UP, "", NOW)
    assert summary(record.store(ended))[2] == shown


@pytest.mark.parametrize(
    ("phase", "true"),
    [
        (Phase.WATCHING, set()),
        (Phase.RESTARTING, set()),
        (Phase.RECOVERED, {"Recovered", "Complete"}),
        (Phase.SELF_HEALED, {"Recovered", "Complete"}),
        (Phase.OBSERVED, {"Complete"}),
        (Phase.ESCALATED, {"Escalated", "Complete"}),
    ],
)
def test_kubectl_can_wait_for_a_condition(phase: Phase, true: set[str]) -> None:
    conditions = record.store(remediation(phase))["status"]["conditions"]
    assert {each["type"] for each in conditions if each["status"] == "True"} == true
    assert {each["type"] for each in conditions} == {"Recovered", "Escalated", "Complete"}


def test_a_condition_says_since_when_it_is_as_it_is() -> None:
    opened = remediation(age=300)
    begun = replace(opened, extra=record.store(opened)).moved(Phase.RESTARTING, Reason.GATES_OPEN, "Restarting.", NOW)
    later = NOW + timedelta(seconds=60)
    ended = replace(begun, extra=record.store(begun)).moved(Phase.RECOVERED, Reason.SERVING, "It serves.", later)
    times = {each["type"]: each["lastTransitionTime"] for each in record.store(ended)["status"]["conditions"]}
    assert times["Escalated"] == timestamp(NOW - timedelta(seconds=300))
    assert times["Recovered"] == times["Complete"] == timestamp(later)


@pytest.mark.parametrize("found", [[{"type": ["a"]}], [{"type": "Recovered", "status": {}}], "none", None, [7]])
def test_conditions_that_somebody_else_wrote_are_written_again(found: Any) -> None:
    stored = record.store(remediation(extra={"status": {"conditions": found}}))
    assert [each["type"] for each in stored["status"]["conditions"]] == ["Recovered", "Escalated", "Complete"]
