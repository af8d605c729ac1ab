"""The dashboard "Stagekeeper": whether it sees, whether it can act, and how it does."""

from alerts.model import OWN_BOARD
from dashboards.board import Head, Section, board
from dashboards.boards import calls, hands, processes, sight, wellness
from dashboards.promql import CHOSEN, remediators
from dashboards.schema import Dashboard

ABOUT = "Whether Stagekeeper itself is well: whether it sees, whether it may and can act, and what it costs."


def health() -> Dashboard:
    """The dashboard of both programs, for one environment or several."""
    sections = (
        Section("Can it see, and may it act?", wellness.all_panels()),
        Section("What does it see?", sight.panels()),
        Section("What does it do?", hands.panels()),
        Section("What does Alertmanager get?", calls.panels()),
        Section("How are the processes?", processes.panels()),
    )
    episodes = f"max by (environment, phase) ({remediators('stagekeeper_episode_phase', CHOSEN)})"
    head = Head(OWN_BOARD, "Stagekeeper", ABOUT, several=True, episodes=episodes, episode="{{environment}}: {{phase}}")
    return board(head, sections)
