"""Nothing too many: what must not be possible is tried with the tokens of the chart's own ServiceAccounts."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chart.forbidden import ATTEMPTS, BY_UID, READ_ONLY, RECORDS, TARGET, Attempt, refusal
from tests.chart.scene import NODE, Scene
from tests.testbed.api import Api, ApiError
from tests.testbed.patience import until_true

pytestmark = [pytest.mark.real, pytest.mark.programs]

PLAN = {
    "decidedAt": "2026-01-01T00:00:00Z",
    "diagnosis": "no_active_bbs",
    "steps": [{"workload": "diego-api", "deadlineSeconds": 900, "pods": [{"name": "diego-api-0", "uid": "1"}]}],
}
ANOTHER_PLAN = {**PLAN, "steps": [{**PLAN["steps"][0], "pods": [{"name": "api-0", "uid": "2"}]}]}  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def remediator(here: Scene) -> Api:
    """The API with the remediator's token, once the admission policies are in force."""
    api = here.api("remediator")
    unguarded = next(each for each in ATTEMPTS if each.says == BY_UID)
    until_true(lambda: BY_UID in _said(here, api, unguarded))
    unknown = next(each for each in ATTEMPTS if each.says == TARGET)
    until_true(lambda: TARGET in _said(here, api, unknown))
    return api


@pytest.fixture(scope="module")
def records(here: Scene, remediator: Api) -> None:
    """A record with a plan, and one that has ended, written with the remediator's own rights."""
    for name, status in (
        ("diego-api-r1", {"phase": "Restarting", "plan": PLAN}),
        ("diego-api-r2", {"phase": "Escalated", "reason": "step_late"}),
    ):
        body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": name}}
        made = remediator.request("POST", _in(here, RECORDS), {**body, "spec": {"environment": "cf"}})
        remediator.request("PUT", _in(here, f"{RECORDS}/{name}/status"), {**made, "status": status})


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.title)
def test_the_remediator_can_not(here: Scene, remediator: Api, records: None, attempt: Attempt) -> None:  # noqa: ARG001 -- they must be there
    assert attempt.says in _said(here, remediator, attempt)


@pytest.mark.parametrize("attempt", READ_ONLY, ids=lambda attempt: attempt.title)
def test_the_exporter_can_not(here: Scene, attempt: Attempt) -> None:
    assert attempt.says in _said(here, here.api("exporter"), attempt)


def test_forty_things_and_more_are_tried() -> None:
    assert len({attempt.title for attempt in ATTEMPTS}) == len(ATTEMPTS) >= 40


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("diego-api-r1", {"phase": "Restarting", "plan": ANOTHER_PLAN}, "the plan is written once"),
        ("diego-api-r1", {"phase": "Restarting"}, "the plan is written once"),
        ("diego-api-r1", None, "a status is never taken away"),
        ("diego-api-r2", {"phase": "Watching"}, "a remediation that has ended stays ended"),
    ],
    ids=["another plan", "no plan", "no status", "reopened"],
)
@pytest.mark.usefixtures("records")
def test_a_record_can_not_be_rewritten_even_with_the_right_to_its_status(
    here: Scene, remediator: Api, name: str, status: dict[str, Any] | None, says: str
) -> None:
    record = remediator.request("GET", _in(here, f"{RECORDS}/{name}"))
    record.pop("status")
    changed = record if status is None else {**record, "status": status}
    with pytest.raises(ApiError, match=says) as refused:
        remediator.request("PUT", _in(here, f"{RECORDS}/{name}/status"), changed)
    assert refused.value.status == 422


@pytest.mark.parametrize("pod", ["diego-api-0", "diego-api-1"], ids=["on a node", "not bound to a node"])
def test_the_delete_that_it_is_for_is_admitted(here: Scene, remediator: Api, pod: str) -> None:
    attempt = Attempt("the right one", "DELETE", f"/api/v1/namespaces/{{ns}}/pods/{pod}", "", pod=pod)
    assert _said(here, remediator, attempt) == ""


def test_a_pod_that_has_failed_may_be_deleted_though_its_grace_is_nothing(here: Scene, remediator: Api) -> None:
    name = "diego-api-1"
    path = f"/api/v1/namespaces/{here.namespace}/pods/{name}"
    target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
    here.plane.controller_manager.freeze()  # else the StatefulSet's controller deletes it first
    try:
        here.plane.api.request("POST", f"{path}/binding", {"metadata": {"name": name}, "target": target})
        failed = {"status": {"phase": "Failed"}}
        here.plane.api.request("PATCH", f"{path}/status", failed, "application/merge-patch+json")
        attempt = Attempt("the right one", "DELETE", f"/api/v1/namespaces/{{ns}}/pods/{name}", "", pod=name)
        assert _said(here, remediator, attempt) == ""
    finally:
        here.plane.controller_manager.thaw()


def test_who_may_create_records_may_ask_once_for_each_environment_and_open_nothing(
    here: Scene, remediator: Api
) -> None:
    opened = next(each for each in ATTEMPTS if each.says == TARGET)
    for api, name, says in (
        (here.plane.api, "database-r1", TARGET),
        (here.plane.api, "diego-api-r3", TARGET),
        (here.plane.api, "diego-api-request", ""),
        (remediator, "diego-api-r3", ""),
        (remediator, "diego-api-request", ""),
    ):
        said = _said(here, api, replace(opened, body={**opened.body, "metadata": {"name": name}}))
        assert (says in said) if says else said == ""


def test_whoever_is_not_the_remediator_is_not_bound_by_its_guard(here: Scene) -> None:
    forced = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "dryRun": ["All"]}
    here.plane.api.request("DELETE", f"/api/v1/namespaces/{here.namespace}/pods/diego-api-0", forced)


def _names(here: Scene) -> dict[str, str]:
    return {"ns": here.namespace, "other": here.other, "release": here.release}


def _in(here: Scene, path: str) -> str:
    return path.format(**_names(here))


def _said(here: Scene, api: Api, attempt: Attempt) -> str:
    return refusal(api, attempt, _names(here), here.pod(attempt.pod) if attempt.pod else None)
