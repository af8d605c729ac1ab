"""Rules about Stagekeeper itself: whether it sees, and whether it can act."""

from alerts.model import OWN_BOARD, Alert, Group, latest
from alerts.stager import DIAGNOSIS, REACHABLE
from alerts.thresholds import BOTH, EXPORTER, REMEDIATOR, Thresholds, duration

NO_REMEDY = "No outage will be remedied automatically"


def exporter(t: Thresholds) -> Group:
    """Whether we see the environments."""
    # The remediator reads its configuration only at its start (docs/decisions/0007-reload.md).
    reloaded = latest(f"stagekeeper_config_last_reload_successful{{{EXPORTER}}}", t.look_back, "instance")
    return Group(
        "stagekeeper.exporter",
        (
            Alert(
                name="StagekeeperExporterDown",
                severity="critical",
                expression=f"absent(up{{{EXPORTER}}} == 1)",
                summary="No exporter of Stagekeeper can be scraped.",
                description="Prometheus reaches no exporter, so an outage of the stager would go unseen.",
                wait=t.own_down,
                board=OWN_BOARD,
            ),
            Alert(
                name="StagekeeperBlind",
                severity="critical",
                # Not an outage of the BBS: nobody knows whether it serves.
                expression=_blind(t),
                summary="Stagekeeper does not see whether the stager is available.",
                description=(
                    "There is no fresh probe of the BBS of {{ $labels.environment }}. "
                    "The BBS may be well or not: an outage would go unseen."
                ),
                wait=t.blind,
                board=OWN_BOARD,
            ),
            Alert(
                name="StagekeeperCannotJudge",
                severity="warning",
                expression=f'max by (environment) ({DIAGNOSIS}{{diagnosis="observer_fault"}}) == 1',
                summary="Stagekeeper cannot tell what is wrong.",
                description=(
                    "Looks at {{ $labels.environment }} end in observer_fault: what is seen is incomplete or "
                    f"contradicts itself. {NO_REMEDY} while this lasts."
                ),
                wait=t.cannot_judge,
                board=OWN_BOARD,
            ),
            Alert(
                name="StagekeeperConfigReloadFailed",
                severity="warning",
                expression=f"{reloaded} == 0",
                summary="The exporter runs with an old configuration.",
                description="The exporter {{ $labels.instance }} refused its new configuration and keeps the old one.",
                wait=t.reload,
                board=OWN_BOARD,
            ),
        ),
    )


def _blind(t: Thresholds) -> str:
    """An environment seen before, without a fresh look or without a probe of its Service, where there is a Diego."""
    memory = duration(t.environment_memory)
    known = latest(f"stagekeeper_last_look_timestamp_seconds{{{EXPORTER}}}", t.environment_memory)
    no_diego = f'last_over_time({DIAGNOSIS}{{diagnosis="not_applicable"}}[{memory}]) == 1'
    return (
        f"(\n  time() - {known} > {t.look_age}\n  or on (environment)\n"
        f"  ({known} unless on (environment) {REACHABLE})\n)\n"
        f"unless on (environment)\n({no_diego})"
    )


def remediator(t: Thresholds) -> Group:
    """Whether we can act, and what needs a person."""
    return Group("stagekeeper.remediator", (*_episodes(t), *_ability(t), *_calls(t)))


def programs(t: Thresholds) -> Group:
    """What may befall either program."""
    kubernetes = latest(f"stagekeeper_kubernetes_up{{{BOTH}}}", t.look_back, "environment, job")
    return Group(
        "stagekeeper.programs",
        (
            Alert(
                name="StagekeeperInstanceDown",
                severity="warning",
                expression=f"up{{{BOTH}}} == 0",
                summary="An instance of Stagekeeper cannot be scraped.",
                description="Prometheus does not reach {{ $labels.instance }} of {{ $labels.job }}.",
                wait=t.instance_down,
                board=OWN_BOARD,
            ),
            Alert(
                name="StagekeeperKubernetesUnreadable",
                severity="warning",
                expression=f"{kubernetes} == 0",
                summary="Stagekeeper cannot read the Kubernetes API.",
                description=(
                    "{{ $labels.job }} cannot read the pods of {{ $labels.environment }}. "
                    f"{NO_REMEDY} there while this lasts."
                ),
                wait=t.kubernetes,
                board=OWN_BOARD,
            ),
        ),
    )


def _episodes(t: Thresholds) -> tuple[Alert, ...]:
    def newest(metric: str) -> str:
        return latest(f"{metric}{{{REMEDIATOR}}}", t.look_back)

    return (
        Alert(
            name="StagekeeperEscalated",
            severity="critical",
            expression=f"{newest('stagekeeper_escalated')} == 1",
            summary="Stagekeeper hands an outage of the stager over to a person.",
            description=(
                "The latest episode of {{ $labels.environment }} ended Escalated, and nothing more is tried until "
                "the BBS serves or a person resets it. The Remediation object holds the evidence."
            ),
        ),
        Alert(
            name="StagekeeperEpisodeOverdue",
            severity="critical",
            expression=f"{newest('stagekeeper_episode_overdue')} == 1",
            summary="Stagekeeper has watched an outage for long and may not act.",
            description=(
                "The open episode of {{ $labels.environment }} has been Watching for more than 10 minutes: "
                "a gate stays closed. The Remediation object says which."
            ),
        ),
    )


def _ability(t: Thresholds) -> tuple[Alert, ...]:
    paused = latest(f"stagekeeper_paused{{{REMEDIATOR}}}", t.look_back)
    observing = f'stagekeeper_remediator_mode{{{REMEDIATOR}, mode="observe"}}'
    return (
        Alert(
            name="StagekeeperDown",
            severity="critical",
            expression=f"absent(up{{{REMEDIATOR}}} == 1)",
            summary="No remediator of Stagekeeper can be scraped.",
            description=f"Prometheus reaches no remediator. {NO_REMEDY}.",
            wait=t.own_down,
            board=OWN_BOARD,
        ),
        Alert(
            name="StagekeeperPaused",
            severity="warning",
            expression=f"{paused} == 1",
            summary="Automatic restarts have been paused for long.",
            description=(
                f"{{{{ $labels.environment }}}} has been paused for more than {duration(t.paused)}, or its pause "
                f"cannot be read. {NO_REMEDY} until somebody resumes."
            ),
            wait=t.paused,
            board=OWN_BOARD,
        ),
        Alert(
            name="StagekeeperObservesOnly",
            severity="info",
            expression=f"max(last_over_time({observing}[{duration(t.look_back)}])) == 1",
            summary="The remediator has only observed for long.",
            description=f"The remediator has run in mode observe for {duration(t.observing)}. {NO_REMEDY}.",
            wait=t.observing,
            board=OWN_BOARD,
        ),
    )


def _calls(t: Thresholds) -> tuple[Alert, ...]:
    connected = latest(f"stagekeeper_alertmanager_up{{{REMEDIATOR}}}", t.look_back, "alertmanager")
    requests = f'stagekeeper_webhook_requests_total{{{REMEDIATOR}, code=~"[45].."}}'
    return (
        Alert(
            name="StagekeeperAlertmanagerUnreachable",
            severity="warning",
            expression=f"{connected} == 0",
            summary="The remediator cannot ask an Alertmanager.",
            description=(
                "The remediator does not reach {{ $labels.alertmanager }}, so it cannot tell whether an alert is still "
                f"active or silenced. {NO_REMEDY} if none is left to ask."
            ),
            wait=t.alertmanager,
            board=OWN_BOARD,
        ),
        Alert(
            name="StagekeeperWebhookRefused",
            severity="warning",
            expression=f"sum by (code) (increase({requests}[{duration(t.webhook_window)}])) > 0",
            summary="The remediator refuses or fails calls of Alertmanager.",
            description=(
                "The remediator's answer to Alertmanager was {{ $labels.code }}, "
                f'{{{{ $value | printf "%.0f" }}}} times in {duration(t.webhook_window)}. '
                "401 is a wrong token, 400 a wrong body, 503 an unwritable record."
            ),
            board=OWN_BOARD,
        ),
    )
