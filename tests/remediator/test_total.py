"""Whatever an observation holds, every decision is made: nothing raises, and what must never happen does not."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from remediator import gates
from remediator.decision import decide
from remediator.inputs import AlertState, AlertView, DeletePod, Inputs, Past, Pause, readable
from remediator.policy import Mode
from remediator.remediation import Phase, Remediation
from remediator.streaks import Assessment, Streaks
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observation import Observation
from tests.diego.any_observation import ANY_OBSERVATION
from tests.diego.observations import NOW
from tests.remediator.builders import ACT, CF, CF_LOCKET, inputs, moment, plan, restarting
from tests.remediator.test_record import REMEDIATIONS

ALERTS = st.lists(st.builds(AlertView, st.just("am"), st.sampled_from(AlertState)), max_size=2)
PAST = st.lists(st.builds(Past, st.just("diego-api-1"), st.just(NOW), st.none() | st.just(NOW)), max_size=3)


def assessed(seen: Observation) -> Assessment:
    return Assessment(seen, diagnose(seen), moment())


@settings(max_examples=400, deadline=None)
@given(
    seen=ANY_OBSERVATION,
    found=REMEDIATIONS,
    alerts=ALERTS,
    past=PAST,
    paused=st.booleans(),
    mode=st.sampled_from(Mode),
    environment=st.sampled_from([CF, CF_LOCKET]),
)
def test_a_decision_is_made_whatever_was_seen_and_recorded(
    seen: Observation,
    found: Remediation,
    alerts: list[AlertView],
    past: list[Past],
    paused: bool,  # noqa: FBT001 -- Hypothesis names it
    mode: Mode,
    environment: object,
) -> None:
    given_ = inputs(
        assessed(seen),
        environment=environment,
        policy=ACT.model_copy(update={"mode": mode}),
        pause=Pause(paused, "why"),
        alerts=alerts,
        past=past,
    )
    after, _, action = decide(found, given_)
    assert found.phase.open or (after is found)
    assert found.plan is None or after.plan == found.plan
    assert not isinstance(action, DeletePod) or (found.phase is Phase.RESTARTING and mode is Mode.ACT and not paused)


@settings(max_examples=400, deadline=None)
@given(ANY_OBSERVATION, st.sampled_from(["no_active_bbs", "crash_looping", "stuck_unavailable"]))
def test_nothing_is_deleted_by_an_observation_in_which_somebody_serves(seen: Observation, diagnosis: str) -> None:
    pods = tuple(replace(each, pod=replace(each.pod, uid=f"uid-{index}")) for index, each in enumerate(seen.known_pods))
    seen = replace(seen, pods=pods) if pods else seen
    _, _, action = decide(restarting(plan=plan(diagnosis)), inputs(assessed(seen)))
    if not isinstance(action, DeletePod):
        return
    assert readable(seen)
    assert not seen.serving()
    assert not seen.service_ok
    assert diagnosis == "stuck_unavailable" or not seen.accepting()
    assert action.pod.owner == "diego-api"
    assert not action.pod.terminating


@settings(max_examples=200, deadline=None)
@given(ANY_OBSERVATION)
def test_a_plan_is_never_written_on_a_single_observation(seen: Observation) -> None:
    given_ = inputs(assessed(seen), streaks=Streaks())
    answers = dict(
        gates.ask(
            Inputs(
                CF,
                ACT,
                given_.assessment,
                Streaks().saw(given_.assessment, ACT.tolerance),
                given_.pause,
                given_.alerts,
                (),
            )
        )
    )
    assert not answers["confirmation"].opens
