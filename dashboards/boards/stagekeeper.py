"""The dashboard "Stagekeeper": whether it sees, whether it can act, and how it does."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.board import Head, Section, board
from dashboards.boards import actions, health, notifications, processes, visibility
from dashboards.promql import CHOSEN, remediators

UID = "stagekeeper-health"
ABOUT = "Whether Stagekeeper itself is healthy: whether it sees, whether it may and can act, and what it costs."


def stagekeeper() -> Dashboard:
    """The dashboard of both programs, for one environment or several."""
    sections = (
        Section("Can it see, and may it act?", health.all_panels()),
        Section("What does it see?", visibility.panels()),
        Section("What does it do?", actions.panels()),
        Section("What passes between it and Alertmanager?", notifications.panels()),
        Section("How are the processes?", processes.panels()),
    )
    phases = f"max by (environment, phase) ({remediators('stagekeeper_remediation_phase', CHOSEN)})"
    head = Head(UID, "Stagekeeper", ABOUT, several=True, phases=phases, phase="{{environment}}: {{phase}}")
    return board(head, sections)
