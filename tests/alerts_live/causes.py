"""The cause of every alert, by the site that it befalls. Sites are troubled at the same time, each by one cause a time.

Labels tell apart what the sites have in common: each has an environment of its own.
"""

import asyncio
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from tests.alerts_live.monitoring import ELSEWHERE, Monitoring
from tests.alerts_live.pager import Wanted
from tests.alerts_live.site import EXPORTER, REMEDIATOR, Site
from tests.alerts_live.trial import Trial

SLOWNESS = 1.1
"""Seconds that the way to the slow BBS takes: over the threshold of 1 s, and within the probe's 1.7 s."""


async def outage(trial: Trial, site: Site) -> None:
    """An outage while the remediator is paused; the resumed remediator ends it. Then a configuration that is wrong."""
    alert = partial(Wanted, labels={"environment": site.name})
    pause = partial(site.stagekeeper, "pause", "--reason", "a test", "--for", "1h")
    paused = await trial.fire("a person pauses the remediator, and forgets it", pause, alert("StagekeeperPaused"))
    unremedied = await trial.fire(
        "the database path is cut for 7 s: every BBS hangs; paused",
        site.environment.faults.hang,
        alert("StagerUnavailable"),
        alert("StagekeeperRemediationOverdue"),
    )
    resume = partial(site.stagekeeper, "resume")
    restarted, _ = await asyncio.gather(
        trial.fire("the resumed remediator restarts the pods", resume, alert("StagekeeperRestarted")),
        trial.end(nothing, *paused, *unremedied),
    )
    await trial.end(nothing, *restarted)
    await _refused_deletes(trial, site)

    async def select_passive_pods() -> None:
        site.configure(selector="skiff-role-name=diego-api,skiff-role-active=false")
        await site.reload(EXPORTER)

    async def select_all_pods() -> None:
        site.configure()
        await site.reload(EXPORTER)

    cause = "a wrong selector: the Service answers, no selected pod does"
    await trial.prove(cause, select_passive_pods, select_all_pods, alert("StagekeeperCannotJudge"))


async def _refused_deletes(trial: Trial, site: Site) -> None:
    """An outage in which the API refuses to delete pods; a person deletes them."""
    simulated = site.environment

    async def hang_and_forbid() -> None:
        simulated.api_faults.answer("DELETE", ".*/pods/.*", 403)
        await simulated.faults.hang()

    async def delete_by_hand() -> None:
        simulated.api_faults.clear()
        await site.delete_bbs_pods()

    refused = Wanted("StagekeeperDeleteRefused", {"environment": site.name, "result": "forbidden"})
    cause = "every BBS hangs, and the API answers 403 to each DELETE of a pod"
    await trial.prove(cause, hang_and_forbid, delete_by_hand, refused)


async def labels(trial: Trial, site: Site, monitoring: Monitoring) -> None:
    """A BBS that is reached past its Service, so that labels may be wrong while it answers; then it comes and goes."""
    alert, faults = partial(Wanted, labels={"environment": site.name}), site.environment.faults
    await trial.prove(
        "the serving pod's label is set to passive, and cannot be changed",
        faults.label_not_patched,
        faults.heal,
        alert("StagerNoActiveLabel"),
        alert("StagerLabelContradictsProbe"),
    )
    cause = "Locket grants the lock to both BBS"
    await trial.prove(cause, faults.split_brain, faults.heal, alert("StagerSplitBrain"))
    await monitoring.until(f'environment:active_bbs_count:max{{environment="{site.name}"}} == 1')

    async def come_and_go() -> None:
        for _ in range(3):
            await site.forwarder.close()
            await monitoring.until(f'environment:bbs_reachable:max{{environment="{site.name}"}} == 0')
            await site.forwarder.open()
            await monitoring.until(f'environment:bbs_reachable:max{{environment="{site.name}"}} == 1')

    await trial.prove(
        "connections are refused for a second, three times", come_and_go, nothing, alert("StagerFlapping")
    )

    async def come_for_a_moment() -> None:
        reachable = f'environment:bbs_reachable:max{{environment="{site.name}"}}'
        for _ in range(5):
            await site.forwarder.close()
            await monitoring.until(f"max_over_time({reachable}[4s]) == 0")
            await site.forwarder.open()
            await monitoring.until(f"{reachable} == 1")

    cause = "connections are refused, but for a moment now and then"
    await trial.prove(cause, come_for_a_moment, nothing, alert("StagerMostlyUnavailable"))


async def slow(trial: Trial, site: Site) -> None:
    """A BBS that is far away, and lacks a pod; then certificates; then a remediator that only observes."""
    alert, faults = partial(Wanted, labels={"environment": site.name}), site.environment.faults

    async def decline() -> None:
        site.forwarder.delay = SLOWNESS
        await faults.pod_pending(site.passive_pod())

    async def recover() -> None:
        site.forwarder.delay = 0.0
        await faults.heal()

    cause = f"the way to the BBS takes {SLOWNESS} s; no node has room for the passive pod"
    await trial.prove(cause, decline, recover, alert("StagerSlow"), alert("StagerReadinessShort"))

    async def add_certificate() -> None:
        site.add_certificate("client", timedelta(days=10))

    async def add_certificates() -> None:
        site.add_certificate("client", timedelta(hours=12))
        await faults.certificate()

    async def renew_certificates() -> None:
        site.renew_certificates()
        await faults.heal()

    soon = alert("StagerCertificateExpiresSoon", labels={"environment": site.name, "which": "client"})
    await trial.prove("the client's chain ends in 10 days", add_certificate, renew_certificates, soon)
    await trial.prove(
        "certificates: the client's chain ends in 12 hours, the BBS's has ended",
        add_certificates,
        renew_certificates,
        alert("StagerCertificateExpiresToday", labels={"environment": site.name, "which": "client"}),
        alert("StagerCertificateExpired", labels={"environment": site.name, "which": "server"}),
    )
    observe, act = partial(_restart_in_mode, site, "observe"), partial(_restart_in_mode, site, "act")
    await trial.prove("the remediator runs in mode observe", observe, act, "StagekeeperObservesOnly")


async def blind(trial: Trial, site: Site) -> None:
    """An outage that no restart cures; then an unreadable API, a configuration that is broken, a dead exporter."""
    alert, simulated = partial(Wanted, labels={"environment": site.name}), site.environment
    cause = "the active BBS answers 503 for ever: a person is needed"
    await trial.prove(cause, simulated.faults.stuck, simulated.faults.failover, alert("StagekeeperEscalated"))

    async def forbid() -> None:
        simulated.api_faults.answer("GET", ".*", 403)

    async def allow() -> None:
        simulated.api_faults.clear()

    unreadable = [
        alert("StagekeeperKubernetesUnreadable", labels={"environment": site.name, "job": f"stagekeeper-{program}"})
        for program in (EXPORTER, REMEDIATOR)
    ]
    await trial.prove("the API answers 403 to every GET", forbid, allow, *unreadable)

    async def misspell() -> None:
        site.configuration.write_text("environments: [{nome: typo}]", encoding="utf-8")
        await site.reload(EXPORTER)

    async def correct() -> None:
        site.configure()
        await site.reload(EXPORTER)

    cause = "a configuration with a misspelt key, and SIGHUP"
    await trial.prove(cause, misspell, correct, "StagekeeperConfigReloadFailed")
    await trial.prove(
        "the environment's only exporter ends",
        partial(site.stop, EXPORTER),
        partial(site.start, EXPORTER),
        alert("StagekeeperBlind"),
        Wanted("StagekeeperInstanceDown", {"instance": site.url(EXPORTER).removeprefix("http://")}),
    )


async def calls(trial: Trial, site: Site, monitoring: Monitoring) -> None:
    """What may go wrong between Alertmanager and the remediator."""

    async def call_with_a_wrong_token() -> None:
        url = f"{site.url(REMEDIATOR)}/api/v1/alerts"
        for _ in range(2):
            async with monitoring.session.post(url, headers={"Authorization": "Bearer wrong"}, json={}) as answer:
                assert answer.status == HTTPStatus.UNAUTHORIZED

    refused = Wanted("StagekeeperWebhookRefused", {"code": "401"})
    await trial.prove("two calls with a wrong token", call_with_a_wrong_token, nothing, refused)

    async def start_again() -> None:
        monitoring.start_second()

    async def stop() -> None:
        monitoring.second.kill()

    unreachable = Wanted("StagekeeperAlertmanagerUnreachable", {"alertmanager": monitoring.alertmanagers[1]})
    await trial.prove("the second Alertmanager is killed", stop, start_again, unreachable)


async def wrong_routes(trial: Trial, site: Site, monitoring: Monitoring) -> None:
    """Routes that lead past the remediator, or to one that does not know the environment."""
    await trial.prove(
        "an alert of an environment that the remediator does not have",
        partial(monitoring.tell, ELSEWHERE, firing=True),
        partial(monitoring.tell, ELSEWHERE, firing=False),
        "StagekeeperUnknownEnvironment",
    )

    async def cut_off() -> None:
        await monitoring.route(to_remediators=False)
        await site.forwarder.close()

    async def restore() -> None:
        await monitoring.route(to_remediators=True)
        await site.forwarder.open()

    uncalled = Wanted("StagekeeperNotCalled", {"environment": site.name})
    await trial.prove("no route leads to a remediator, and the way to the BBS is cut", cut_off, restore, uncalled)


async def nothing_is_left(trial: Trial, sites: list[Site]) -> None:
    """At the end all programs end, and start again."""

    async def stop() -> None:
        for site in sites:
            await site.stop(EXPORTER, REMEDIATOR)

    async def start() -> None:
        for site in sites:
            await site.start(EXPORTER, REMEDIATOR)

    await trial.prove("every exporter and remediator ends", stop, start, "StagekeeperExporterDown", "StagekeeperDown")


async def _restart_in_mode(site: Site, mode: str) -> None:
    site.configure(mode)
    await site.stop(REMEDIATOR)
    await site.start(REMEDIATOR)


async def nothing() -> None:
    """The cause is over already."""
