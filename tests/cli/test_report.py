"""What `stagekeeper diagnose` says of an observation."""

from dataclasses import replace
from pathlib import Path

import pytest

from stagekeeper.cli.report import Report, as_text, document, report
from stagekeeper.cli.stager_errors import StagerErrors
from stagekeeper.cli.steps import Place, StepState
from stagekeeper.cli.target import Target
from stagekeeper.diego import observation
from stagekeeper.diego.advice import ADVICE, BLIND
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import NOT_CONFIGURED, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.profiles import PROFILES
from tests.exporter.builders import REFUSED, active, hung, passive, pod, serving

CF = resolve(EnvironmentSettings(name="cf"))
UNREAD = Unknown("the API is gone", "unreachable")
ERRORS = StagerErrors((("Connection refused", 3),), logs=2)


HERE = Place("here")


def said(assessment: Observation, errors: StagerErrors = ERRORS, place: Place = HERE) -> Report:
    return report(CF, assessment, errors, place)


def states(assessment: Observation) -> list[StepState]:
    return [step.state for step in said(assessment).steps]


def test_a_serving_environment_is_ok_in_all_eight_steps_and_needs_no_restart() -> None:
    assert states(serving()) == [*[StepState.OK] * 4, StepState.NOT_NEEDED, *[StepState.OK] * 3]
    assert said(serving()).exit_code == 0


def test_the_hang_asks_for_a_restart() -> None:
    assert states(hung()) == [
        *[StepState.OK] * 3,
        *[StepState.FAILED, StepState.TO_DO] * 2,
        StepState.FAILED,
    ]
    assert said(hung()).exit_code == 1
    assert said(hung()).next_command == "stagekeeper restart --environment cf --reason WHY"


def test_an_environment_that_can_not_be_read_is_unknown_and_ends_with_3() -> None:
    blind = serving(service=UNREAD, pods=UNREAD, workloads=UNREAD, cloud_controller=UNREAD)
    assert [state for state in states(blind) if state is not StepState.UNKNOWN] == [
        StepState.OK
    ]  # where it was asked from
    assert said(blind).exit_code == 3
    assert said(blind).advice == BLIND


def test_outside_the_clusters_network_nothing_has_failed_and_the_way_in_is_said() -> None:
    why = Unknown("This machine is not in the cluster's network.", observation.OUTSIDE)
    outside = serving(service=why, pods=(active(probe=why), passive(probe=why)))
    told = said(outside, place=Place("here", inside=False))
    assert StepState.FAILED not in [step.state for step in told.steps]
    assert [step.state for step in told.steps][2:5] == [StepState.UNKNOWN] * 3
    assert told.exit_code == 3
    assert "the pods can't be reached from this machine" in told.advice.restart
    assert told.next_command == "stagekeeper diagnose --environment cf --from-pod"


def test_a_listener_that_nobody_can_name_is_no_failure_either() -> None:
    accepts = Probe(Reply.OK, by_tcp=True)
    told = said(serving(service=Probe(Reply.TIMEOUT), pods=(passive("diego-api-0", probe=accepts), passive())))
    assert told.exit_code == 3
    assert "--accept listening_unknown" in told.advice.restart


def test_an_api_server_that_is_down_is_one_line() -> None:
    down = Unknown("GET /api/v1/namespaces/cf/pods can't be reached: Connection refused.", "unreachable")
    told = said(serving(pods=down, workloads=down))
    assert told.api_failure == f"{down.reason} The Service, asked from here: ok."
    assert said(serving(pods=down, service=down)).api_failure == down.reason, "it was said twice with profile auto"
    assert said(serving(pods=Unknown("HTTP 403.", "forbidden"))).api_failure == ""


def test_what_a_terminal_would_obey_is_shown() -> None:
    """A pod's own words, and the API's, come to the terminal of whoever is called at night."""
    forged = "refused\x1b]0;owned\x07\nDiagnosis: serving\u202e \x9b31m"
    text = as_text(said(serving(service=Probe(Reply.TLS, forged), pods=Unknown(forged, "forbidden"))))
    assert "refused\\x1b]0;owned\\x07\\nDiagnosis: serving\\u202e \\x9b31m" in text
    assert all(line.isprintable() for line in text.split("\n"))
    assert sum(line.startswith("Diagnosis:") for line in text.split("\n")) == 1


def test_a_command_to_paste_repeats_the_flags_of_this_call() -> None:
    flags = Target(config_file=Path("here.yaml"), config_was_typed=True, context="a b")
    restart = report(CF, hung(), ERRORS, HERE, flags).next_command
    assert restart == "stagekeeper restart --config.file here.yaml --context 'a b' --environment cf --reason WHY"
    looping = replace(active(), pod=pod("diego-api-0", phase="Failed", reason="Evicted"), probe=NOT_CONFIGURED)
    described = report(CF, serving(pods=(looping, passive()), service=REFUSED), ERRORS, HERE, flags).next_command
    assert described == "kubectl --context 'a b' describe pod -n cf diego-api-0"


def test_two_profiles_that_fit_ask_for_a_decision_and_not_for_rights() -> None:
    two = Unknown("cfee-2 and cfee-3 fit", observation.AMBIGUOUS)
    undecided = said(serving(service=two, pods=two, workloads=two, steady=two))
    assert undecided.exit_code == 3
    assert undecided.next_command == "kubectl get statefulsets -n cf --show-labels"


@pytest.mark.parametrize(
    ("assessment", "step", "state", "seen"),
    [
        (serving(cloud_controller=ReadyPods(1, 2)), 1, StepState.OK, "2 pods."),
        (serving(cloud_controller=ReadyPods(1, 2)), 2, StepState.FAILED, "1 of 2 pods."),
        (serving(cloud_controller=ReadyPods(0, 0)), 1, StepState.UNKNOWN, "selector skiff-role-name=api finds no pod"),
        (serving(cloud_controller=ReadyPods(0, 0)), 2, StepState.UNKNOWN, "selector skiff-role-name=api finds no pod"),
        (serving(cloud_controller=NOT_CONFIGURED), 1, StepState.UNKNOWN, "has no selector"),
        (serving(), 3, StepState.OK, "Here."),
        (
            serving(service=Probe(Reply.DNS, "no such name")),
            4,
            StepState.FAILED,
            "Asked from here: dns (no such name).",
        ),
        (serving(service=Probe(Reply.DNS)), 5, StepState.NOT_ADVISED, "cluster DNS does not resolve the BBS's Service"),
        (serving(service=Probe(Reply.DNS)), 7, StepState.FAILED, "As step 4: nothing was restarted."),
        (hung(), 7, StepState.TO_DO, "Once the pods are back."),
        (serving(pods=(active(),)), 6, StepState.FAILED, "1 of 2 desired pods: diego-api-0 2/2. Active: diego-api-0."),
        (serving(pods=()), 6, StepState.FAILED, "there is no pod"),
        (serving(workloads=UNREAD), 6, StepState.UNKNOWN, "the API is gone"),
        (serving(pods=(active(), active("diego-api-1"))), 6, StepState.FAILED, "Active: diego-api-0, diego-api-1."),
        (serving(pods=(active(labelled_active=None), passive())), 6, StepState.OK, "does not set the label"),
        (
            serving(),
            8,
            StepState.OK,
            "diego-api-0 is the active BBS and the Service routes to it. 3 x CF-StagerUnavailable",
        ),
        (serving(), 8, StepState.OK, "3 x Connection refused (no endpoints, or nobody listens)"),
    ],
)
def test_each_step_says_what_was_seen(assessment: Observation, step: int, state: StepState, seen: str) -> None:
    told = said(assessment).steps[step - 1]
    assert told.state is state
    assert seen in told.seen


def test_the_text_has_the_steps_the_evidence_and_the_next_command() -> None:
    text = as_text(said(hung()))
    assert text.splitlines()[2:4] == ["1. Cloud Controller pods: ok", "   2 pods."]
    assert "5. Restart of all BBS pods: to do" in text
    assert f"Diagnosis: no_active_bbs (row 25). {diagnose(hung()).why}" in text
    assert (
        "  - diego-api-0: refused (connection refused), 2/2 ready, not labelled active, 3 d old, on node node-0."
        in text
    )
    assert text.endswith("Next:      stagekeeper restart --environment cf --reason WHY\n")


def test_a_program_is_told_the_same() -> None:
    found = document(said(hung()))
    assert [step["step"] for step in found["steps"]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found["diagnosis"]["name"] == "no_active_bbs"
    assert found["restart"]["gate"] == "pass"
    assert found["stagerErrors"] == {"count": 3, "tails": {"Connection refused": 3}, "unread": None}
    assert found["exitCode"] == 1


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
