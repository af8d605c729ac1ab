"""The dashboard "CF Stager": what is wrong now, since when, which pod, and what was done."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.board import Head, Section, board
from dashboards.boards import health, history, now, probes, timeline
from dashboards.promql import ONE, remediators

UID = "stagekeeper-stager"
ABOUT = (
    "Whether Cloud Foundry's stager is available, and if it is not: what is wrong, since when, with which pod, "
    "and what Stagekeeper does about it. Read it from the top."
)


def cf_stager() -> Dashboard:
    """The dashboard of one environment."""
    sections = (
        Section("What is wrong now?", now.panels()),
        Section("Since when, and with which pod?", timeline.panels()),
        Section("How does the BBS answer?", probes.panels()),
        Section("What was done?", history.panels()),
        Section("Is Stagekeeper itself healthy?", health.panels()),
    )
    phases = f"max by (phase) ({remediators('stagekeeper_remediation_phase', ONE)})"
    return board(Head(UID, "CF Stager", ABOUT, several=False, phases=phases, phase="{{phase}}"), sections)
