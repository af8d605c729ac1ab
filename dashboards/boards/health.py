"""Whether Stagekeeper itself is healthy, in one line; the dashboard "Stagekeeper" has the rest."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import BAD, GOOD, WAIT, WARN, Field, Text, yes_no
from dashboards.panels import Caption, Query, stat_of
from dashboards.promql import (
    BOTH,
    CHECK_AGE,
    CHOSEN,
    EXPORTER,
    LOOK_BACK,
    OF,
    ONE,
    REMEDIATOR,
    exporters,
    of,
    remediators,
    since,
)

SHORT = Field(steps=((None, BAD), (0, GOOD)), lowest=None)


def panels() -> tuple[Panel, ...]:
    """For "CF Stager": one line."""
    return _exporters(), _remediators(), _mode(), _paused(ONE), _kubernetes(ONE), _newest_check(ONE)


def all_panels() -> tuple[Panel, ...]:
    """For "Stagekeeper": two lines of wider panels."""
    found = (
        _exporters(),
        _remediators(),
        _mode(),
        _paused(CHOSEN),
        _kubernetes(CHOSEN),
        _alertmanagers(),
        _newest_check(CHOSEN),
        _configuration(),
    )
    for panel in found:
        if panel.grid_pos:
            panel.grid_pos.w = 6
    return found


def _exporters() -> Panel:
    about = "Exporters that Prometheus can scrape, of those that it should. Without any, an outage goes unseen."
    caption = Caption("Exporters up", about, ("StagekeeperExporterDown", "StagekeeperInstanceDown"), 4)
    up = f"up{{{EXPORTER}}}"
    return stat_of(caption, SHORT, Query(of(f"sum({up})", f"count({up})"), OF), names=True)


def _remediators() -> Panel:
    about = "Remediators that Prometheus can scrape, of those that it should. Without any, no outage is remedied."
    caption = Caption("Remediators up", about, ("StagekeeperDown", "StagekeeperInstanceDown"), 4)
    up = f"up{{{REMEDIATOR}}}"
    return stat_of(caption, SHORT, Query(of(f"sum({up})", f"count({up})"), OF), names=True)


def _mode() -> Panel:
    about = "In mode act it restarts pods once every gate is open; in mode observe it only records what it would do."
    caption = Caption("Mode", about, ("StagekeeperObservesOnly",), 4)
    texts = {"act": Text("Act", GOOD), "observe": Text("Observe", WAIT)}
    expression = f"max by (mode) (stagekeeper_remediator_mode{{{REMEDIATOR}}}) == 1"
    return stat_of(caption, Field(steps=((None, WAIT),), texts=texts), Query(expression), label="mode")


def _paused(scope: str) -> Panel:
    about = "A person paused it with `stagekeeper pause`, or the pause cannot be read: then nothing is restarted."
    caption = Caption("Pause", about, ("StagekeeperPaused",), 4)
    texts = {"0": Text("Not paused", GOOD), "1": Text("Paused", WARN)}
    expression = f"max({remediators('stagekeeper_paused', scope)})"
    return stat_of(caption, Field(steps=((None, GOOD), (1, WARN)), texts=texts), Query(expression))


def _kubernetes(scope: str) -> Panel:
    about = "Whether both programs could read pods and StatefulSets at their last check. If not, nothing is restarted."
    caption = Caption("Kubernetes API readable", about, ("StagekeeperKubernetesUnreadable",), 4)
    expression = f"min(max by (cluster, environment, job) (stagekeeper_kubernetes_up{{{BOTH}, {scope}}}))"
    return stat_of(caption, Field(steps=((None, BAD), (1, GOOD)), texts=yes_no("Yes", "No")), Query(expression))


def _newest_check(scope: str) -> Panel:
    about = "Age of the exporter's last check, of the worst environment. It checks whenever it is scraped."
    caption = Caption("Age of the last check", about, ("StagekeeperBlind",), 4)
    checked = exporters("stagekeeper_last_observation_timestamp_seconds", scope)
    steps = ((None, GOOD), (LOOK_BACK, WARN), (CHECK_AGE, BAD))
    expression = f"max({since(f'max by (cluster, environment) ({checked})')})"
    return stat_of(caption, Field("s", steps, decimals=0), Query(expression))


def _alertmanagers() -> Panel:
    about = "Before it acts it asks each Alertmanager whether the alert is still active and not silenced."
    caption = Caption("Alertmanagers reachable", about, ("StagekeeperAlertmanagerUnreachable",))
    each = f"max by (cluster, alertmanager) (stagekeeper_alertmanager_up{{{REMEDIATOR}}})"
    return stat_of(caption, SHORT, Query(of(f"sum({each})", f"count({each})"), OF), names=True)


def _configuration() -> Panel:
    about = "After a reload that failed, an exporter goes on with the configuration that it had."
    caption = Caption("Configuration in force", about, ("StagekeeperConfigReloadFailed",))
    texts = yes_no("The newest", "An old one")
    expression = f"min(stagekeeper_config_last_reload_successful{{{EXPORTER}}})"
    return stat_of(caption, Field(steps=((None, BAD), (1, GOOD)), texts=texts), Query(expression))
