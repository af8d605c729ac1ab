from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dashboards.boards import cf_stager
from remediator import approval
from remediator.alertmanager import AlertmanagerView
from remediator.gates import never, not_yet, passes
from remediator.inputs import AlertState, AlertView, Pause
from remediator.intake import Judgement, Verdict
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.remediation import Deletion, Phase, Reason, Remediation, Request
from remediator.settings import LinkSettings, RemediatorSettings
from remediator.status_page import DASHBOARD, RUNBOOKS, links, status_page
from remediator.streaks import Assessment, Moment
from stagekeeper.diego.diagnosis import diagnose
from tests.diego.observations import hung
from tests.remediator.builders import ACT, CF, plan
from tests.remediator.receiving import MemoryCluster
from tests.testbed.browser import FAINT, browser

NOW = datetime(2026, 11, 23, 3, 14, 15, tzinfo=UTC)
NASTY = "<script>alert('&')</script>"


def remediation(number: int, phase: Phase = Phase.WATCHING, message: str = "") -> Remediation:
    return Remediation(
        name=f"diego-api-r{number}",
        request=Request("prod"),
        created=NOW - timedelta(minutes=5),
        phase=phase,
        reason=Reason.ALERT,
        message=message,
        since=NOW,
    )


def status(*remediations: Remediation, pause: Pause | None = None, observed: bool = True) -> Reconciler:
    cluster = MemoryCluster()
    cluster.environment = replace(CF, name="prod")
    found = Reconciler(cluster, ACT)
    found.state.remediations, found.state.pause = remediations, pause
    if observed:
        seen = hung()
        found.state.assessment = Assessment(seen, diagnose(seen), Moment(NOW, 0.0))
    return found


def shown(*environments: Reconciler, mode: Mode = Mode.ACT) -> str:
    return status_page(mode, environments, NOW)


def test_before_the_first_observation_it_says_that_it_has_not_looked() -> None:
    assert "not checked yet" in shown(status(observed=False))


def test_it_shows_the_diagnosis_and_when_it_was_made() -> None:
    assert "no_active_bbs" in shown(status())
    assert "2026-11-23 03:14:15 UTC" in shown(status())


def test_an_open_remediation_shows_every_gate_with_its_reason() -> None:
    gates = (
        ("mode", passes("The mode is act.")),
        ("pause", not_yet("Ann paused it.")),
        ("bounds", never("A stranger.")),
    )
    text = shown(status(replace(remediation(3), gates=gates)))
    for name, answer in gates:
        row = f'{name}</td><td data-column="Why">{answer.why}</td>'
        assert row in text
        assert f">{answer.outcome}</span></td>" in text


def test_a_closed_remediation_shows_no_gates() -> None:
    closed = replace(remediation(3, Phase.RECOVERED), gates=(("mode", passes("The mode is act.")),))
    assert "May it restart now?" not in shown(status(closed))


def test_a_latched_remediation_waits_for_a_person() -> None:
    assert "a person (or recovers by itself" in shown(status(remediation(3, Phase.ESCALATED, "The certificate.")))
    assert "a person (" not in shown(status(remediation(3, Phase.ESCALATED).released("ann", NOW)))


def test_the_history_stands_newest_first_with_what_was_terminated() -> None:
    old = replace(remediation(1, Phase.RECOVERED), deletions=(Deletion("diego-api-0", "u", "deleted", NOW),))
    text = shown(status(old, remediation(2, Phase.SELF_HEALED)))
    assert text.index("diego-api-r2: ") < text.index("diego-api-r1: ")
    assert "deleted diego-api-0" in text


def test_a_pause_is_shown_with_its_reason() -> None:
    assert "Ann paused it" in shown(status(pause=Pause(paused=True, why="Ann paused it until noon")))


@pytest.mark.parametrize("mode", Mode)
def test_the_mode_is_shown_in_words(mode: Mode) -> None:
    assert f'<span class="word none">{mode}</span>' in shown(mode=mode)


def test_an_escalated_remediation_says_what_was_done_and_not_with_the_next_command_and_the_runbook() -> None:
    stuck = replace(
        remediation(3, Phase.ESCALATED, "The certificate has expired."),
        reason=Reason.INTERRUPTED,
        plan=plan(),
        deletions=(Deletion("diego-api-0", "uid-0", "deleted", NOW),),
        plan_evidence=("Service: refused.",),
    )
    text = shown(status(stuck))
    assert "diego-api-0; not deleted: diego-api-1" in text
    assert "-- stagekeeper diagnose --environment prod</code>" in text
    assert f'<a href="{RUNBOOKS}/en/StagekeeperEscalated.md">English</a>' in text
    assert f'<a href="{RUNBOOKS}/ko/StagekeeperEscalated.md">Korean</a>' in text
    assert "<li>Service: refused.</li>" in text
    assert '<td data-column="Answer">refused</td>' in text


def test_what_waits_for_approval_says_the_line_to_type() -> None:
    command = f"kubectl -n cf {approval.command('diego-api-r3', 'stuck_unavailable')}"
    waits = replace(remediation(3, Phase.ESCALATED, f"Why. Next: {command}"), reason=Reason.AWAITING_APPROVAL)
    assert "<code>kubectl -n cf annotate --overwrite remediation diego-api-r3 " in shown(status(waits))


def test_who_asked_and_why_is_shown() -> None:
    asked = replace(remediation(3), request=Request("prod", person="ann", why="it hangs", accept="frozen"))
    assert "ann, 2026-11-23 03:09:15 UTC, accepting frozen: it hangs" in shown(status(asked))
    assert "alert StagerUnavailable, 2026-11-23 03:09:15 UTC" in shown(
        status(replace(asked, request=Request("prod", alertname="StagerUnavailable")))
    )


def test_progress_age_and_the_earliest_restart_are_shown() -> None:
    opens = NOW + timedelta(seconds=90)
    gates = (("confirmation", not_yet("It must persist.", "3 of 8 checks", opens)),)
    found = status(remediation(3))
    found.state.gates = gates
    text = status_page(Mode.ACT, [found], NOW + timedelta(seconds=30))
    assert "30 s ago, 2026-11-23 03:14:15 UTC" in text
    assert "3 of 8 checks" in text
    assert f"at {opens:%H:%M:%S} UTC at the earliest, in 1m0s" in text


def test_repeats_are_folded() -> None:
    waiting = remediation(9)
    for second in range(4):
        waiting = waiting.with_line("Gate pause: Ann paused it.", NOW + timedelta(seconds=second))
    alike = [replace(remediation(each, Phase.SELF_HEALED, "It serves.")) for each in range(1, 5)]
    text = shown(status(*alike, waiting))
    assert "03:14:15 UTC: Gate pause: Ann paused it. (again 3 times, until 03:14:18)" in text
    assert "diego-api-r1 to diego-api-r4, 4 alike, last: " in text


def test_whatever_stands_in_a_record_is_escaped() -> None:
    text = shown(
        status(
            replace(remediation(1, message=NASTY), gates=((NASTY, passes(NASTY)),)),
            pause=Pause(paused=True, why=NASTY),
        )
    )
    assert "<script" not in text


SETTINGS = RemediatorSettings.model_validate(
    {
        "mode": "act",
        "webhook": {"token_file": "/t"},
        "matchers": {"cluster": "eu 1"},
        "alertmanagers": [
            {"url": "http://am-0.monitoring:9093/am/", "external_url": "https://am.example/am"},
            {"url": "http://am-1.monitoring:9093"},
        ],
        "links": {"dashboards": "https://grafana.example/d/"},
    }
)
BOARD = "https://grafana.example/d/stagekeeper-stager?var-environment=prod&amp;var-cluster=eu+1"


def linked(found: Reconciler, settings: RemediatorSettings = SETTINGS) -> str:
    return status_page(Mode.ACT, [found], NOW, links(settings))


def asked(*views: AlertView) -> Reconciler:
    found = status()
    found.state.alerts = [AlertmanagerView(each) for each in views]
    return found


def test_it_leads_to_the_dashboard_with_the_environment_chosen() -> None:
    assert f'<a href="{BOARD}">CF Stager</a>' in linked(status())
    assert DASHBOARD == cf_stager.UID


def test_without_a_grafana_it_leads_to_none() -> None:
    assert "Dashboard" not in shown(status())


def test_it_leads_to_each_alertmanager_where_people_reach_it() -> None:
    first = AlertView("http://am-0.monitoring:9093/am", AlertState.SUPPRESSED, "silenced")
    second = AlertView("http://am-1.monitoring:9093", AlertState.ACTIVE)
    text = linked(asked(first, second))
    assert 'suppressed (silenced) <a href="https://am.example/am">Alertmanager</a>' in text
    assert 'active <a href="http://am-1.monitoring:9093/">Alertmanager</a>' in text


def test_where_the_runbooks_are_a_copy_it_leads_there() -> None:
    settings = SETTINGS.model_copy(
        update={"links": LinkSettings.model_validate({"runbooks": "https://wiki.example/r/"})}
    )
    text = linked(status(remediation(3, Phase.ESCALATED)), settings)
    assert '<a href="https://wiki.example/r/StagekeeperEscalated.md">StagekeeperEscalated</a>' in text
    assert RUNBOOKS not in text


def test_while_it_is_paused_the_next_command_ends_the_pause() -> None:
    paused = Pause(paused=True, why="Ann paused it until noon")
    assert "<code>kubectl -n cf delete configmap stagekeeper-pause</code>" in shown(
        status(remediation(3), pause=paused)
    )


def test_the_next_command_names_the_deployment_that_runs_here() -> None:
    found = status(remediation(3))
    found.policy = ACT.model_copy(update={"inside": "kubectl -n ours exec deploy/sk-remediator -- "})
    assert "<code>kubectl -n ours exec deploy/sk-remediator -- stagekeeper diagnose --environment prod</code>" in shown(
        found
    )


def test_an_alert_that_opens_nothing_is_told_with_the_reason_while_it_fires() -> None:
    found = asked(AlertView("http://am", AlertState.ACTIVE))
    found.state.remediations = [remediation(1, Phase.RECOVERED)]
    found.state.on_hold = Verdict(Judgement.HELD_OFF, "diego-api-r1 ended 2 minutes ago.", "diego-api-r1")
    assert "<dt>Opens nothing</dt><dd>diego-api-r1 ended 2 minutes ago.</dd>" in shown(found)
    found.state.alerts = [AlertmanagerView(AlertView("http://am", AlertState.ABSENT))]
    assert "Opens nothing" not in shown(found)


def test_what_an_alert_met_before_the_newest_remediation_is_told_no_more() -> None:
    found = asked(AlertView("http://am", AlertState.ACTIVE))
    found.state.remediations = [remediation(1, Phase.ESCALATED), remediation(2, Phase.RECOVERED)]
    found.state.on_hold = Verdict(Judgement.LATCHED, "diego-api-r1 ended Escalated.", "diego-api-r1")
    assert "Opens nothing" not in shown(found)


async def show(text: str) -> AsyncIterator[str]:
    """The address of a page with this text."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.fixture
async def served() -> AsyncIterator[str]:
    gates = tuple(
        (f"gate-{number}", not_yet("Because of a reason that takes a sentence to say.")) for number in range(8)
    )
    long = status(replace(remediation(2, message="A" * 200), gates=gates), pause=Pause(paused=True, why="Ann."))
    waits = replace(remediation(1, Phase.ESCALATED), reason=Reason.AWAITING_APPROVAL, diagnosis="stuck_unavailable")
    async for address in show(shown(long, status(waits))):
        yield address


@pytest.mark.programs
async def test_a_phone_shows_all_of_it_without_scripts_and_without_scrolling_sideways(
    served: str, program: Callable[[str], Path], tmp_path: Path
) -> None:
    async with browser(program("chromium"), tmp_path) as tab:
        await tab.open(served, width=360, height=740)
        assert await tab.ask("document.querySelectorAll('section').length") == 2
        assert await tab.ask("document.documentElement.scrollWidth") <= 360
        assert await tab.ask("document.querySelectorAll('script,link,img').length") == 0
        fetched = await tab.ask("performance.getEntriesByType('resource').map(each => each.name)")
        assert set(fetched) <= {f"{served}favicon.ico"}, "what a browser asks for by itself, and nothing else"
        assert await tab.ask("document.querySelectorAll('td .word.wait').length") == 8
        assert "gate-7" in await tab.ask("document.body.innerText")
        assert await tab.ask("document.querySelector('meta[http-equiv=refresh]').content") == "10"
        for dark in (False, True):
            await tab.photograph(dark=dark)  # sets the scheme
            assert await tab.ask(FAINT) == []


@pytest.fixture
async def escalated() -> AsyncIterator[str]:
    """All that a person may have to know at once: half a restart, asked for by somebody, that did not help."""
    half = replace(
        remediation(3, Phase.ESCALATED, "The database went down between two deletes. Next: kubectl get nodes"),
        request=Request("prod", person="ann", why="it hangs", accept="frozen"),
        reason=Reason.INTERRUPTED,
        plan=plan(),
        deletions=(Deletion("diego-api-0", "uid-0", "deleted", NOW),),
        plan_evidence=("Service: refused (connection refused).",),
        gates=(("mode", passes("The mode is act.")), ("diagnosis", never("database_down: it does not answer."))),
    )
    for second in range(3):
        half = half.with_line("Gate diagnosis: never.", NOW + timedelta(seconds=second))
    found = status(half)
    found.state.alerts = [AlertmanagerView(AlertView("http://am-1.monitoring:9093", AlertState.ACTIVE))]
    text = status_page(Mode.ACT, [found], NOW + timedelta(minutes=3), links(SETTINGS))
    async for address in show(text):
        yield address


WANTED = (
    "Last observed\n3 min ago",
    "Opened by\nann, 2026-11-23 03:09:15 UTC, accepting frozen: it hangs",
    "Why\nThe database went down between two deletes.",
    "Needs\na person (or recovers by itself, once the BBS serves)",
    "Deleted\ndiego-api-0; not deleted: diego-api-1",
    "Next\nkubectl get nodes",
    "Runbook\nEnglish Korean",
    "Dashboard\nCF Stager",
    "Alert in http://am-1.monitoring:9093\nactive Alertmanager",
    "Gates, as last asked",
    "database_down: it does not answer.",
    "Evidence\nService: refused (connection refused).",
    "Pods now",
    "Story\n03:14:15 UTC: Gate diagnosis: never. (again 2 times, until 03:14:17)",
)


@pytest.mark.programs
async def test_whoever_is_called_sees_all_of_it_on_a_phone_and_on_a_desk_by_day_and_by_night(
    escalated: str, program: Callable[[str], Path], tmp_path: Path
) -> None:
    async with browser(program("chromium"), tmp_path) as tab:
        for width in (360, 1200):
            await tab.open(escalated, width=width, height=740)
            seen = await tab.ask("document.body.innerText.replace(/\\s*\\n\\s*/g, '\\n')")
            assert [each for each in WANTED if each not in seen] == []
            assert await tab.ask("document.documentElement.scrollWidth") <= width
            for dark in (False, True):
                await tab.photograph(dark=dark)  # sets the scheme
                assert await tab.ask(FAINT) == []
