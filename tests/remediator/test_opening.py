"""At most one open record for each target, whoever receives the alert; and which old records may go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from remediator import intake
from remediator.alertmanager import AlertmanagerView
from remediator.inputs import AlertState, AlertView, Wait
from remediator.intake import Judgement
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.remediation import Outcome, Phase, Reason, Remediation, Request
from stagekeeper.diego.observation import Observation, Reply
from stagekeeper.kube.errors import AlreadyExists, Unavailable, Unreachable
from tests.diego.observations import NOW, ago, bbs, healthy, hung, observation, unknown
from tests.remediator.builders import ACT, remediation, restarting
from tests.remediator.receiving import MemoryCluster

FIRING = Request("cf", alertname="StagerUnavailable", starts_at="2026-11-23T11:59:00Z")


class Records(MemoryCluster):
    """The records, with whatever somebody else creates first."""

    def __init__(self, found: Sequence[Remediation] = (), rivals: Sequence[Remediation] = ()) -> None:
        super().__init__(*found)
        self.rivals = [*rivals]

    async def create(self, ordinal: int, request: Request) -> Remediation:
        """After the rivals."""
        if self.rivals:
            rival = self.rivals.pop(0)
            self.remediations[rival.ordinal] = rival
            raise AlreadyExists("somebody was first")
        return await super().create(ordinal, request)


async def judged(*found: Remediation, request: Request = FIRING) -> tuple[Judgement, str]:
    verdict = await intake.open_or_join(Records([*found]), request, ACT)
    return verdict.judgement, verdict.remediation


async def test_the_first_alert_opens_number_one() -> None:
    assert await judged() == (Judgement.OPENED, "diego-api-r1")


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.open])
async def test_an_open_remediation_is_joined(phase: Phase) -> None:
    assert await judged(remediation(phase, age=9000)) == (Judgement.JOINED, "diego-api-r1")


@pytest.mark.parametrize("phase", [Phase.RECOVERED, Phase.SELF_HEALED])
async def test_after_the_hold_off_the_next_number_is_opened(phase: Phase) -> None:
    assert await judged(remediation(phase, age=599)) == (Judgement.HELD_OFF, "diego-api-r1")
    assert await judged(remediation(phase, age=600)) == (Judgement.OPENED, "diego-api-r2")


async def test_a_latched_target_is_left_alone_until_it_is_released() -> None:
    latched = remediation(Phase.ESCALATED, age=90_000)
    assert await judged(latched) == (Judgement.LATCHED, "diego-api-r1")
    assert await judged(latched.released("kim", NOW)) == (Judgement.OPENED, "diego-api-r2")


async def test_what_a_replica_in_mode_observe_has_written_holds_nobody_back_who_acts() -> None:
    observed = Records([remediation(Phase.OBSERVED, age=0)])
    assert (await intake.open_or_join(observed, FIRING, ACT)).judgement is Judgement.OPENED
    watcher = ACT.model_copy(update={"mode": Mode.OBSERVE})
    assert (await intake.open_or_join(Records([remediation(Phase.OBSERVED)]), FIRING, watcher)).judgement is (
        Judgement.LATCHED
    )


async def test_an_alert_that_had_gone_and_comes_back_opens_the_next_one_at_once() -> None:
    gone = remediation(Phase.ESCALATED, reason=Reason.ALERT_GONE).released("the alert is gone", NOW)
    assert await judged(gone) == (Judgement.OPENED, "diego-api-r2")


async def test_a_person_is_held_to_the_latch_too() -> None:
    person = Request("cf", person="kim", why="I want to")
    assert (await judged(remediation(Phase.ESCALATED), request=person))[0] is Judgement.LATCHED


async def test_the_hold_off_is_for_alerts_and_not_for_a_person() -> None:
    """Their own cooldown and budget still hold: those are gates."""
    person = Request("cf", person="kim", why="I want to")
    assert (await judged(remediation(Phase.RECOVERED, age=0), request=person))[0] is Judgement.OPENED


@pytest.mark.parametrize(
    ("latest", "judgement"),
    [
        (remediation(Phase.RECOVERED, age=0), Judgement.OPENED),
        (remediation(Phase.SELF_HEALED, age=0), Judgement.OPENED),
        (remediation(Phase.ESCALATED, age=0).released("serving", NOW), Judgement.OPENED),
        (remediation(Phase.ESCALATED, age=0).released("kim", NOW), Judgement.HELD_OFF),
        (remediation(Phase.ESCALATED, age=0), Judgement.LATCHED),
    ],
)
async def test_an_outage_after_it_served_is_a_new_one_and_not_held_off(
    latest: Remediation, judgement: Judgement
) -> None:
    """Where a person has released it there was no service between, and the person's own wish comes first."""
    assert (await intake.open_or_join(Records([latest]), FIRING, ACT, persists=True)).judgement is judgement


async def test_an_alert_from_before_the_last_end_may_only_be_late_to_go() -> None:
    old = replace(FIRING, starts_at="2026-11-23T11:00:00Z")
    ended = remediation(Phase.RECOVERED, age=1200)
    assert await judged(ended, request=old) == (Judgement.OLD_ALERT, "diego-api-r1")


@pytest.mark.parametrize(("unhealthy", "judgement"), [(True, Judgement.OPENED), (False, Judgement.OLD_ALERT)])
async def test_an_observation_decides_about_an_old_alert(unhealthy: bool, judgement: Judgement) -> None:  # noqa: FBT001
    async def observe() -> bool:
        return unhealthy

    old = replace(FIRING, starts_at="2026-11-23T11:00:00Z")
    records = Records([remediation(Phase.RECOVERED, age=1200)])
    assert (await intake.open_or_join(records, old, ACT, observe)).judgement is judgement


class Lingering(Records):
    """One record that has ended, and in Alertmanager an alert from before that."""

    async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:  # noqa: ARG002 -- it answers at once
        """As Alertmanager has it."""
        old = replace(FIRING, starts_at="2026-11-23T11:00:00Z")
        return [AlertmanagerView(AlertView("http://am", AlertState.ACTIVE), (old,))]


class Resynced(Reconciler):
    """Finds that alert, and observes `seen`."""

    def __init__(self, seen: Observation) -> None:
        self.records = Lingering([remediation(Phase.RECOVERED, age=1200)])
        self.records.seen = seen
        super().__init__(self.records, ACT)


@pytest.mark.parametrize(
    ("seen", "opened"),
    [(hung(), True), (observation(bbs(0, Reply.NO_REPLY)), True), (healthy(), False), (hung(pods=unknown("-")), False)],
)
async def test_a_resync_opens_for_an_old_alert_where_nobody_serves(seen: Observation, *, opened: bool) -> None:
    reconciler = Resynced(seen)
    with capture_logs() as lines:
        await reconciler.resync()
        await reconciler.resync()
    assert [*reconciler.records.remediations] == ([1, 2] if opened else [1])
    if opened:
        said = "StagerUnavailable is firing for cf: no webhook told of it: opened remediation diego-api-r2."
        more = {"remediation": "diego-api-r2"}
    else:
        said = "This alert is older than the end of diego-api-r1; an observation decides whether it is stale."
        said, more = f"The alert opened nothing. {said}", {"judgement": "old_alert"}
    assert lines == [{"environment": "cf", "event": said, "log_level": "info", **more}], "once"
    await reconciler.telling.send()
    told = [(each.reason, each.note, each.at, each.warning) for each in reconciler.records.told]
    firing = ("AlertFired", "Opened: StagerUnavailable is firing for cf.", NOW, False)
    assert told == ([firing] if opened else [])


async def test_what_the_alertmanagers_say_of_an_open_remediation_is_kept_for_the_page() -> None:
    reconciler = Resynced(hung())
    reconciler.records.remediations = {1: remediation()}
    await reconciler.step("diego-api-r1")
    assert [each.view.state for each in reconciler.state.alerts] == [AlertState.ACTIVE]


async def test_an_alertmanager_that_hangs_does_not_make_the_observation_too_old() -> None:
    class Hanging(Lingering):
        taken, limits = 3.0, list[float]()

        def monotonic(self) -> float:
            """Three seconds after the observation began, and what the Alertmanager has taken since."""
            return super().monotonic() + self.taken

        async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:
            """No answer, for as long as it may take."""
            self.limits.append(within)
            self.taken += within
            return [AlertmanagerView(AlertView("http://am", AlertState.UNREADABLE, "no answer in time"))]

    reconciler = Resynced(hung())
    reconciler.cluster = records = Hanging([remediation()])
    action = await reconciler.step("diego-api-r1")
    assert records.limits == [pytest.approx(6)]
    assert isinstance(action, Wait)
    assert dict(action.answers)["alert"].outcome is Outcome.NOT_YET


def test_an_api_that_fails_is_said_once_and_that_it_is_back_too() -> None:
    telling = Resynced(hung()).telling
    with capture_logs() as lines:
        for problem in (Unreachable("a"), Unreachable("b"), Unavailable("c")):
            telling.fails(problem)
        telling.works()
        telling.works()
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("Kubernetes API unavailable, retrying: a", "unreachable"),
        ("Kubernetes API unavailable, retrying: c", "unavailable"),
        ("Kubernetes API available again.", None),
    ]


@pytest.mark.parametrize("starts_at", ["", "soon", "0001-01-01T00:00:00+23:59"])
async def test_an_alert_without_a_usable_start_is_taken_as_new(starts_at: str) -> None:
    ended = remediation(Phase.RECOVERED, age=1200)
    assert (await judged(ended, request=replace(FIRING, starts_at=starts_at)))[0] is Judgement.OPENED


async def test_the_first_open_one_is_worked_on_whatever_others_somebody_has_created() -> None:
    """A record beside one whose plan was half done was worked on in its place, and the second pod was forgotten."""
    half_done, forged = remediation(Phase.RESTARTING, name="diego-api-r6"), remediation(name="diego-api-r7")
    assert await judged(half_done, forged) == (Judgement.JOINED, "diego-api-r6")
    ended = remediation(Phase.RECOVERED, name="diego-api-r6")
    assert await judged(ended, forged) == (Judgement.JOINED, "diego-api-r7")


async def test_the_last_ordinal_that_somebody_has_used_up_blocks_no_target() -> None:
    old, later = (
        remediation(Phase.RECOVERED, name="diego-api-r1", age=9000),
        remediation(Phase.RECOVERED, name="diego-api-r2", age=1000),
    )
    assert await judged(old, replace(later, name="diego-api-r5")) == (Judgement.OPENED, "diego-api-r6")
    last = remediation(Phase.SELF_HEALED, name="diego-api-r999999999", age=2000)
    assert await judged(last) == (Judgement.OPENED, "diego-api-r1")
    assert await judged(old, last) == (Judgement.OPENED, "diego-api-r2")
    assert await judged(old, last, later) == (Judgement.OPENED, "diego-api-r3")
    young = remediation(Phase.RECOVERED, name="diego-api-r2", age=10)
    assert await judged(old, last, young) == (Judgement.HELD_OFF, "diego-api-r2")


async def test_who_loses_the_race_joins_the_winner() -> None:
    records = Records(rivals=[remediation()])
    assert (await intake.open_or_join(records, FIRING, ACT)).judgement is Judgement.JOINED
    assert list(records.remediations) == [1]


async def test_who_loses_to_a_remediation_that_has_ended_already_is_held_off() -> None:
    verdict = await intake.open_or_join(Records(rivals=[remediation(Phase.SELF_HEALED)]), FIRING, ACT)
    assert verdict.judgement is Judgement.HELD_OFF


async def test_who_loses_again_and_again_lets_the_sender_try_again() -> None:
    rivals = [remediation(Phase.RECOVERED, age=900, name=f"diego-api-r{each}") for each in range(1, 6)]
    assert (await intake.open_or_join(Records(rivals=rivals[:4]), FIRING, ACT)).remediation == "diego-api-r5"
    with pytest.raises(Unavailable, match="5 times"):
        await intake.open_or_join(Records(rivals=rivals), FIRING, ACT)


async def test_a_record_that_can_not_be_stored_is_an_error_and_no_verdict() -> None:
    class Broken(Records):
        async def create(self, ordinal: int, request: Request) -> Remediation:
            raise Unreachable(f"{ordinal} {request}")

    with pytest.raises(Unreachable):
        await intake.open_or_join(Broken(), FIRING, ACT)


# Pruning --------------------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def closed(ordinal: int, *, ended: timedelta = DAY, phase: Phase = Phase.RECOVERED) -> Remediation:
    return replace(remediation(phase), name=f"diego-api-r{ordinal}", since=ago(ended))


def pruned(*found: Remediation, keep: int = 2) -> list[int]:
    return [each.ordinal for each in intake.prunable(found, NOW, ACT.model_copy(update={"keep": keep}))]


def test_the_oldest_beyond_those_that_are_kept_go() -> None:
    assert pruned(*(closed(each) for each in range(1, 6))) == [1, 2, 3]
    assert pruned(closed(1), closed(2)) == []
    assert pruned(closed(1), closed(2), closed(3), keep=9) == []


def test_the_latest_stays_however_old() -> None:
    assert pruned(*(closed(each) for each in range(1, 4)), keep=0) == [1, 2]


def test_a_latched_an_open_and_a_recent_one_stay() -> None:
    found = [
        closed(1, phase=Phase.ESCALATED),
        closed(2, phase=Phase.WATCHING),
        closed(3, ended=timedelta(hours=6)),
        closed(4),
        closed(5),
    ]
    assert pruned(*found, keep=0) == [4]


def test_what_a_long_cooldown_still_counts_from_stays() -> None:
    policy = ACT.model_copy(update={"keep": 0, "cooldown": 2 * DAY})
    assert intake.prunable([closed(1), closed(2)], NOW, policy) == []


# What people ask --------------------------------------------------------------------------------------------------

ASKED = Request("cf", person="kim", why="it hangs", asked_uid="u1")


async def test_what_a_person_asks_is_opened_once_also_where_that_has_ended() -> None:
    opened = replace(remediation(Phase.RECOVERED, age=90_000), request=ASKED)
    assert await judged(opened, request=ASKED) == (Judgement.JOINED, "diego-api-r1")
    assert await judged(opened, request=replace(ASKED, asked_uid="u2")) == (Judgement.OPENED, "diego-api-r2")


@pytest.mark.parametrize(
    ("wished", "planned", "starts_at", "judgement"),
    [
        (True, False, "2026-11-23T11:59:00Z", Judgement.OPENED),
        (True, False, "2026-11-23T11:57:00Z", Judgement.LATCHED),
        (True, False, "", Judgement.LATCHED),
        (True, True, "2026-11-23T11:59:00Z", Judgement.LATCHED),
        (False, False, "2026-11-23T11:59:00Z", Judgement.LATCHED),
    ],
    ids=["a later alert", "an alert from before its end", "an alert without a start", "after a restart", "an alert's"],
)
async def test_a_wish_that_no_plan_came_of_holds_no_later_alert_back(
    wished: bool,  # noqa: FBT001 -- as the table has them
    planned: bool,  # noqa: FBT001
    starts_at: str,
    judgement: Judgement,
) -> None:
    """Whoever may only ask could have had the target wait for a person, whenever a restart was no cure."""
    ended = remediation(Phase.ESCALATED, age=90)
    ended = replace(ended, request=ASKED if wished else FIRING, plan=restarting().plan if planned else None)
    assert (await judged(ended, request=replace(FIRING, starts_at=starts_at)))[0] is judgement
