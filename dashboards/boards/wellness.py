"""Whether Stagekeeper itself is well, in one line; the dashboard "Stagekeeper" has the rest."""

from alerts.thresholds import BOTH, EXPORTER, REMEDIATOR, Thresholds
from dashboards.face import BAD, GOOD, WAIT, WARN, Face, Word, yes_no
from dashboards.panels import Query, Question, stat_of
from dashboards.promql import CHOSEN, HERE, OF, exporters, of, remediators, since
from dashboards.schema import Panel

LIMITS = Thresholds()
SHORT = Face(steps=((None, BAD), (0, GOOD)), lowest=None)


def panels() -> tuple[Panel, ...]:
    """For "CF Stager": one line."""
    return (
        exporters_up(),
        remediators_up(),
        mode(),
        paused(HERE),
        kubernetes(HERE),
        newest_look(HERE),
    )


def all_panels() -> tuple[Panel, ...]:
    """For "Stagekeeper": two lines of wider panels."""
    found = (
        exporters_up(),
        remediators_up(),
        mode(),
        paused(CHOSEN),
        kubernetes(CHOSEN),
        alertmanagers(),
        newest_look(CHOSEN),
        configuration(),
    )
    for panel in found:
        if panel.grid_pos:
            panel.grid_pos.w = 6
    return found


def exporters_up() -> Panel:
    """How many exporters answer."""
    about = "Exporters that Prometheus can scrape, of those that it should. Without any, an outage goes unseen."
    question = Question("Do the exporters answer?", about, ("StagekeeperExporterDown", "StagekeeperInstanceDown"), 4)
    up = f"up{{{EXPORTER}}}"
    return stat_of(question, SHORT, Query(of(f"sum({up})", f"count({up})"), OF), names=True)


def remediators_up() -> Panel:
    """How many remediators answer."""
    about = "Remediators that Prometheus can scrape, of those that it should. Without any, no outage is remedied."
    question = Question("Do the remediators answer?", about, ("StagekeeperDown", "StagekeeperInstanceDown"), 4)
    up = f"up{{{REMEDIATOR}}}"
    return stat_of(question, SHORT, Query(of(f"sum({up})", f"count({up})"), OF), names=True)


def mode() -> Panel:
    """Act or observe."""
    about = (
        "In mode act it restarts pods once every gate is open; in mode observe it only writes down what it would do."
    )
    question = Question("May it restart pods?", about, ("StagekeeperObservesOnly",), 4)
    words = {"act": Word("Yes (act)", GOOD), "observe": Word("No (observe)", WAIT)}
    expression = f"max by (mode) (stagekeeper_remediator_mode{{{REMEDIATOR}}}) == 1"
    return stat_of(question, Face(steps=((None, WAIT),), words=words), Query(expression), label="mode")


def paused(scope: str) -> Panel:
    """Whether a person has paused it."""
    about = "A person paused it with `stagekeeper pause`, or the pause can't be read: then nothing is restarted."
    question = Question("Is it paused?", about, ("StagekeeperPaused",), 4)
    words = {"0": Word("No", GOOD), "1": Word("Paused", WARN)}
    expression = f"max({remediators('stagekeeper_paused', scope)})"
    return stat_of(question, Face(steps=((None, GOOD), (1, WARN)), words=words), Query(expression))


def kubernetes(scope: str) -> Panel:
    """Whether both programs can read the API."""
    about = "Whether both programs could read pods and StatefulSets at their last look. If not, nothing is restarted."
    question = Question("Can it read Kubernetes?", about, ("StagekeeperKubernetesUnreadable",), 4)
    expression = f"min(max by (environment, job) (stagekeeper_kubernetes_up{{{BOTH}, {scope}}}))"
    return stat_of(question, Face(steps=((None, BAD), (1, GOOD)), words=yes_no("Yes", "No")), Query(expression))


def newest_look(scope: str) -> Panel:
    """How fresh what we see is."""
    about = "Age of the exporter's last look, of the worst environment. It looks whenever it is scraped."
    question = Question("How fresh is what it sees?", about, ("StagekeeperBlind",), 4)
    looked = exporters("stagekeeper_last_look_timestamp_seconds", scope)
    steps = ((None, GOOD), (LIMITS.look_back, WARN), (LIMITS.look_age, BAD))
    expression = f"max({since(f'max by (environment) ({looked})')})"
    return stat_of(question, Face("s", steps, decimals=0), Query(expression))


def alertmanagers() -> Panel:
    """How many Alertmanagers can be asked."""
    about = "Before it acts it asks each Alertmanager whether the alert is still active and not silenced."
    question = Question("Can it ask the Alertmanagers?", about, ("StagekeeperAlertmanagerUnreachable",))
    each = f"max by (alertmanager) (stagekeeper_alertmanager_up{{{REMEDIATOR}}})"
    return stat_of(question, SHORT, Query(of(f"sum({each})", f"count({each})"), OF), names=True)


def configuration() -> Panel:
    """Whether the newest configuration is in force."""
    about = "After a reload that failed, an exporter goes on with the configuration that it had."
    question = Question("Is the configuration in force?", about, ("StagekeeperConfigReloadFailed",))
    words = yes_no("The newest", "An old one")
    expression = f"min(stagekeeper_config_last_reload_successful{{{EXPORTER}}})"
    return stat_of(question, Face(steps=((None, BAD), (1, GOOD)), words=words), Query(expression))
