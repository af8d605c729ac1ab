"""What `stagekeeper diagnose` says of an observation."""

import json
from dataclasses import replace

import pytest

from stagekeeper.cli.advice import ADVICE, BLIND
from stagekeeper.cli.report import Report, as_json, as_text, report
from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.cli.steps import State
from stagekeeper.diego import observation
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import NOT_CONFIGURED, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.profiles import PROFILES
from tests.exporter.builders import active, hung, passive, pod, serving

CF = resolve(EnvironmentSettings(name="cf"))
UNREAD = Unknown("the API is gone", "unreachable")
ERRORS = StagerErrors((("Connection refused", 3),), logs=2)


def said(assessment: Observation, errors: StagerErrors = ERRORS) -> Report:
    return report(CF, assessment, errors, "here")


def states(assessment: Observation) -> list[State]:
    return [step.state for step in said(assessment).steps]


def test_a_serving_environment_is_ok_in_all_eight_steps() -> None:
    assert states(serving()) == [State.OK] * 8
    assert said(serving()).exit_code == 0


def test_the_hang_asks_for_a_restart() -> None:
    assert states(hung()) == [
        State.OK, State.FAILED, State.TO_DO, State.OK, State.FAILED, State.FAILED, State.FAILED, State.FAILED,
    ]  # fmt: skip
    assert said(hung()).exit_code == 1
    assert said(hung()).next_command == "stagekeeper restart --environment cf --reason WHY"


def test_an_environment_that_can_not_be_read_is_unknown_and_ends_with_3() -> None:
    blind = serving(service=UNREAD, pods=UNREAD, workloads=UNREAD, cloud_controller=UNREAD)
    assert states(blind) == [State.UNKNOWN] * 8
    assert said(blind).exit_code == 3
    assert said(blind).advice == BLIND


def test_two_profiles_that_fit_ask_for_a_decision_and_not_for_rights() -> None:
    two = Unknown("cfee-2 and cfee-3 fit", observation.AMBIGUOUS)
    undecided = said(serving(service=two, pods=two, workloads=two, steady=two))
    assert undecided.exit_code == 3
    assert undecided.next_command == "kubectl get statefulsets -n cf --show-labels"


@pytest.mark.parametrize(
    ("observation", "step", "state", "seen"),
    [
        (serving(cloud_controller=ReadyPods(1, 2)), 1, State.FAILED, "1 of 2 pods are Ready."),
        (serving(cloud_controller=ReadyPods(0, 0)), 1, State.FAILED, "0 of 0 pods are Ready."),
        (serving(cloud_controller=NOT_CONFIGURED), 1, State.UNKNOWN, "has no selector"),
        (serving(service=Probe(Reply.DNS, "no such name")), 2, State.FAILED, "asked from here: dns (no such name)."),
        (serving(service=Probe(Reply.DNS)), 3, State.NO, "A restart would not cure it"),
        (serving(pods=(active(),)), 4, State.FAILED, "1 of 2 desired pods are ready: diego-api-0 2/2."),
        (serving(pods=()), 4, State.FAILED, "there is no pod"),
        (serving(workloads=UNREAD), 4, State.UNKNOWN, "the API is gone"),
        (serving(pods=(active(), active("diego-api-1"))), 5, State.FAILED, "2: diego-api-0, diego-api-1."),
        (serving(pods=(active(labelled_active=None), passive())), 5, State.UNKNOWN, "does not set the label"),
        (serving(), 8, State.OK, "3 x Connection refused (no endpoints, or nobody listens)"),
    ],
)
def test_each_step_says_what_was_seen(observation: Observation, step: int, state: State, seen: str) -> None:
    told = said(observation).steps[step - 1]
    assert told.state is state
    assert seen in told.seen


def test_the_text_has_the_steps_the_evidence_and_the_next_command() -> None:
    text = as_text(said(hung()))
    assert "1. ok      All Cloud Controller pods run and are ready" in text
    assert f"Diagnosis: no_active_bbs (row 25). {diagnose(hung()).why}" in text
    assert (
        "  - diego-api-0: refused (connection refused), 2/2 ready, not labelled active, 2 d old, on node node-1."
        in text
    )
    assert text.endswith("Next:      stagekeeper restart --environment cf --reason WHY\n")


def test_the_json_says_the_same_for_programs() -> None:
    document = json.loads(as_json(said(hung())))
    assert [step["step"] for step in document["steps"]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert document["diagnosis"]["name"] == "no_active_bbs"
    assert document["restart"]["gate"] == "pass"
    assert document["stagerErrors"] == {"count": 3, "tails": {"Connection refused": 3}, "unread": None}
    assert document["exitCode"] == 1


@pytest.mark.parametrize("name", Condition)
@pytest.mark.parametrize("profile", PROFILES)
def test_there_is_advice_for_every_diagnosis_on_every_profile(name: Condition, profile: str) -> None:
    environment = resolve(EnvironmentSettings(name="cf", profile=profile))
    assert ADVICE[name].restart.endswith(".")
    assert "{" not in ADVICE[name].next_command(environment)


@pytest.mark.parametrize(
    "name", [name for name in Condition if name not in {Condition.NO_ACTIVE_BBS, Condition.STUCK_UNAVAILABLE}]
)
def test_no_other_diagnosis_is_answered_with_a_restart(name: Condition) -> None:
    assert "stagekeeper restart" not in ADVICE[name].command


def test_a_pod_with_an_odd_name_breaks_nothing() -> None:
    odd = active(pod=replace(pod("{x}"), containers=()))
    assert "{x} 0/0" in as_text(said(serving(pods=(odd,))))
