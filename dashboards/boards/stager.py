"""The dashboard "CF Stager": what is wrong now, since when, which pod, and what was done."""

from alerts.model import STAGER_BOARD
from dashboards.board import Head, Section, board
from dashboards.boards import answers, course, deeds, now, wellness
from dashboards.promql import HERE, remediators
from dashboards.schema import Dashboard

ABOUT = (
    "Whether Cloud Foundry's stager is available, and if it is not: what is wrong, since when, with which pod, "
    "and what Stagekeeper does about it. Read it from the top."
)


def stager() -> Dashboard:
    """The dashboard of one environment."""
    sections = (
        Section("What is wrong now?", now.panels()),
        Section("Since when, and with which pod?", course.panels()),
        Section("How does the BBS answer?", answers.panels()),
        Section("What was done?", deeds.panels()),
        Section("Is Stagekeeper itself well?", wellness.panels()),
    )
    episodes = f"max by (phase) ({remediators('stagekeeper_episode_phase', HERE)})"
    head = Head(STAGER_BOARD, "CF Stager", ABOUT, several=False, episodes=episodes, episode="{{phase}}")
    return board(head, sections)
