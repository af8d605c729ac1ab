"""Not one accept in at least 8 observations over at least 120 s.

Observations that could not tell neither count nor spoil it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from remediator import gates
from remediator.inputs import Inputs
from remediator.policy import Policy
from remediator.remediation import GateResult, Outcome
from remediator.streaks import Assessment, Streaks, Unseen
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.observation import Observation, Probe, Reply
from tests.diego.observations import NOW, ago, bbs, healthy, hung, observation, unknown
from tests.remediator.builders import ACT, ACTIVE, CF, NOT_PAUSED, at, every, moment

BLIND = hung(pods=unknown("HTTP 500"))


def answer(observations: Sequence[Assessment], policy: Policy = ACT, accept: str = "") -> GateResult:
    streaks = Streaks()
    for each in observations:
        streaks = streaks.saw(each, policy.tolerance)
    given = Inputs(CF, policy, observations[-1], streaks, NOT_PAUSED, ACTIVE, (), frozenset({accept}))
    return gates.confirmation(given)


def confirmed(observations: Sequence[Assessment], policy: Policy = ACT, accept: str = "") -> bool:
    return answer(observations, policy, accept).outcome is Outcome.PASS


def spoiled_by(seen: Observation, *, at_second: float = 60) -> Sequence[Assessment]:
    return [
        at(each.moment.monotonic - 1000, seen) if each.moment == at(at_second).moment else each
        for each in every(5, 120)
    ]


def test_120_seconds_of_observations_confirm() -> None:
    assert answer(every(5, 120)).why == "no_active_bbs has persisted in every check, at least 8 checks over 120 s."


@pytest.mark.parametrize("observations", [every(5, 115), every(20, 120), [at(0)]])
def test_less_time_or_fewer_observations_do_not(observations: Sequence[Assessment]) -> None:
    assert answer(observations).why == (
        "no_active_bbs must persist for 8 checks over 120 s: no restart before 12:02:00 UTC."
    )


def test_exactly_eight_observations_confirm() -> None:
    eighths = [at(each * 120 / 7) for each in range(8)]
    assert confirmed(eighths)
    assert not confirmed([*eighths[:3], *eighths[4:]], ACT.model_copy(update={"largest_gap": timedelta(minutes=1)}))


@pytest.mark.parametrize(("gap", "persists"), [(30, True), (30.001, False)])
def test_two_observations_half_a_minute_apart_prove_the_time_between_them(gap: float, *, persists: bool) -> None:
    assert confirmed([at(each * gap) for each in range(8)]) is persists


def test_the_same_moment_again_is_no_time() -> None:
    assert not confirmed([at(0)] * 100)


@pytest.mark.parametrize(
    "seen",
    [
        healthy(),
        observation(bbs(0, Reply.OK), bbs(1)),
        observation(bbs(0, Reply.UNAVAILABLE), bbs(1)),
        observation(bbs(0, Reply.NO_REPLY), bbs(1)),
        observation(bbs(0, age=timedelta(minutes=1)), bbs(1)),
    ],
)
def test_one_other_diagnosis_begins_the_confirmation_anew(seen: Observation) -> None:
    assert not confirmed(spoiled_by(seen))


def test_observations_that_could_not_tell_are_tolerated() -> None:
    assert confirmed(spoiled_by(BLIND))


@pytest.mark.parametrize(
    "seen",
    [
        observation(bbs(0, Reply.OK), bbs(1), service=unknown("no time left")),
        observation(bbs(0), bbs(1), service=Reply.OK),
        observation(bbs(0), bbs(1), service=Reply.UNAVAILABLE),
        observation(bbs(0, Reply.OK), bbs(1, unknown("no time left")), service=unknown("no time left")),
    ],
)
def test_an_accept_spoils_it_even_in_an_observation_that_could_tell_nothing_else(seen: Observation) -> None:
    assert at(0, seen).diagnosis.name is Condition.OBSERVER_FAULT
    assert not confirmed(spoiled_by(seen))


def test_the_observation_that_decides_is_not_a_blind_one() -> None:
    assert answer([*every(5, 120), at(125, BLIND)]).why == "This check could not tell."


def test_a_gap_proves_nothing_about_the_time_in_it() -> None:
    observations = every(5, 120)
    assert not confirmed([each for each in observations if not at(30).moment.at < each.moment.at < at(65).moment.at])
    assert confirmed([each for each in observations if not at(30).moment.at < each.moment.at < at(55).moment.at])


def test_without_the_pods_there_is_no_time_of_the_server_either() -> None:
    """Also where something else is certain, such as that our certificate is refused: that escalates nothing."""
    refused = Probe(Reply.CERTIFICATE_REFUSED, "TLSV1_ALERT_UNKNOWN_CA")
    for seen in (BLIND, hung(pods=unknown("The API's answer has no Date"), service=refused)):
        assert at(0, seen).blind


def test_a_blind_stretch_longer_than_the_largest_gap_begins_it_anew() -> None:
    observations = [at(each * 5, BLIND if 30 < each * 5 < 65 else hung()) for each in range(25)]
    assert not confirmed(observations)


def test_a_server_clock_that_jumps_ahead_does_not_shorten_it() -> None:
    jumps = [at(each * 5 + (25 if each > 4 else 0), monotonic=each * 5) for each in range(20)]
    assert jumps[-1].moment.at - jumps[0].moment.at == timedelta(seconds=120)
    assert not confirmed(jumps)
    assert not confirmed([at(0), at(3600, monotonic=5)] * 50)


def test_a_server_clock_that_goes_back_begins_it_anew_and_does_not_block_it_for_ever() -> None:
    before = every(5, 120)
    back = [at(each * 5 - 7200, monotonic=125 + each * 5) for each in range(25)]
    assert not confirmed([*before, back[0]])
    assert confirmed([*before, *back])
    for step, goes_on in ((30, True), (30.001, False)):
        stepped = [*every(5, 160), at(160 - step, monotonic=165)]
        assert (answer(stepped).progress == "") is goes_on


def test_a_process_that_was_stopped_begins_it_anew() -> None:
    """Also where the server's clock stood still meanwhile."""
    stopped = [*every(5, 60), *(at(60 + each * 5, monotonic=600 + each * 5) for each in range(13))]
    assert not confirmed(stopped)


def test_a_blind_stretch_longer_than_the_largest_gap_is_remembered_with_what_was_met() -> None:
    seen = Streaks().saw(at(0), ACT.tolerance).saw(at(20, BLIND), ACT.tolerance)
    assert seen.saw(at(30), ACT.tolerance).unseen is None
    unseen = Unseen(NOW, at(31).moment.at, at(20, BLIND).diagnosis.why)
    assert seen.saw(at(31), ACT.tolerance).unseen == unseen


def test_the_time_in_a_phase_goes_on_by_our_own_clock_and_never_back() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    began = Streaks().entered("diego-api-r1", "Watching", ago(minute), moment())
    assert [began.elapsed(moment(monotonic=each)) for each in (0, 30, -5)] == [minute, 1.5 * minute, minute]
    assert began.entered("diego-api-r1", "Watching", NOW, moment(9)) is began
    assert began.entered("diego-api-r1", "Restarting", ago(minute), moment()).elapsed(moment()) == minute
    seen = began.saw(at(10), ACT.tolerance)
    assert seen.entered("diego-api-r1", "Restarting", ago(hour), moment(20)).elapsed(moment(21)).total_seconds() == 11
    assert seen.entered("diego-api-r2", "Watching", ago(hour), moment(20)).elapsed(moment(20)) == hour + minute / 3


STUCK = observation(bbs(0, Reply.UNAVAILABLE), bbs(1))


def test_an_outage_is_one_whatever_it_is_called_and_whatever_else_could_not_be_read() -> None:
    streaks = Streaks()
    for second in range(0, 125, 5):
        seen = replace(STUCK, cloud_controller=unknown("HTTP 403")) if second % 10 else hung()
        streaks = streaks.saw(at(second, seen), ACT.tolerance)
    assert streaks.down is not None
    assert streaks.down.lasts(timedelta(minutes=2))
    assert streaks.for_another().down == streaks.down
    assert streaks.saw(at(125, healthy()), ACT.tolerance).down is None


def test_the_setting_for_stuck_unavailable_asks_for_ten_minutes() -> None:
    policy = ACT.model_copy(update={"restart_stuck_unavailable": True})
    assert not confirmed(every(5, 595, STUCK), policy)
    assert confirmed(every(5, 600, STUCK), policy)
    assert not confirmed(every(5, 595, STUCK), policy, accept="frozen")


def test_a_person_who_accepts_stuck_unavailable_waits_two_minutes() -> None:
    assert confirmed(every(5, 120, STUCK), accept="stuck_unavailable")
