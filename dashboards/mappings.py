"""What diagnoses, phases, gates and pods are called on a dashboard, and in which colour."""

from dashboards.field_config import BAD, GOOD, IDLE, INFO, WAIT, WARN, Text
from dashboards.promql import NO_REMEDIATION

DIAGNOSES = {
    "serving": Text("A BBS serves", GOOD),
    "not_applicable": Text("No Diego here", IDLE),
    "no_active_bbs": Text("All pods run, and no BBS listens", BAD),
    "stuck_unavailable": Text("A long-running BBS answers 503", BAD),
    "migrating": Text("A BBS answers 503: migrating", WAIT),
    "observer_fault": Text("Stagekeeper's view is incomplete", WAIT),
    "rolling_out": Text("A roll-out is under way", WAIT),
    "database_down": Text("The database does not answer", WAIT),
    "node_down": Text("The node of a pod does not answer", WAIT),
    "starting": Text("A pod has just started", WAIT),
    "split_brain": Text("Two BBS listen at once", WARN),
    "active_not_labelled": Text("The serving BBS is not labelled active", WARN),
    "dns_fault": Text("The Service's name does not resolve", WARN),
    "network_fault": Text("Connections are lost in the network", WARN),
    "tls_broken": Text("TLS with a BBS fails", WARN),
    "listening_unknown": Text("Somebody listens: a BBS or not?", WARN),
    "frozen": Text("A BBS accepts and does not answer", WARN),
    "scaled_down": Text("The StatefulSet is scaled to 0", WARN),
    "terminating_stuck": Text("A pod does not terminate", WARN),
    "crash_looping": Text("A pod crashes again and again", WARN),
    "pods_not_ready": Text("A pod is missing or not ready", WARN),
    "locket_down": Text("Locket is not ready", WARN),
    "cloud_controller_down": Text("No Cloud Controller pod is ready", WARN),
    "label_contradicts": Text("The active pod refuses connections", WARN),
}
"""GOOD: all is well. BAD: a restart is the fix. WAIT: it may pass by itself. WARN: a person is needed."""
DIAGNOSIS_COLORS = {name: each.color or IDLE for name, each in DIAGNOSES.items()}

PHASES = {
    "Watching": Text("Watching: is a restart the fix?", WAIT),
    "Restarting": Text("Restarting the pods", INFO),
    "Verifying": Text("Verifying that the stager is back", INFO),
    "Escalated": Text("Escalated to a person", BAD),
    NO_REMEDIATION: Text("Nothing to do", GOOD),
}
PHASE_COLORS = {"Watching": WAIT, "Restarting": INFO, "Verifying": "purple", "Escalated": BAD, NO_REMEDIATION: GOOD}

FAILURE_COLORS = {
    "refused": BAD,
    "timeout": WARN,
    "dns": WAIT,
    "tls": "purple",
    "unavailable": INFO,
    "no_reply": "#8a5a44",
    "bad_reply": IDLE,
    "closed": "#c15c17",
    "certificate_refused": "#3d71d9",
}
"""No reason in green, as a palette would have it."""

GATE_OUTCOMES = {"pass": 1, "not_configured": 2, "not_yet": 3, "never": 4}
"""Each outcome of a gate as a number, for a timeline."""
GATES = {
    "1": Text("open", GOOD),
    "2": Text("not configured", IDLE),
    "3": Text("not yet", WAIT),
    "4": Text("never", BAD),
}

POD_STATES = {
    "0": Text("not ready", BAD),
    "1": Text("ready, passive", IDLE),
    "2": Text("active, containers not all ready", WARN),
    "3": Text("active, does not serve", WARN),
    "4": Text("serves, unready and unlabelled", WARN),
    "5": Text("serves, not labelled active", WARN),
    "6": Text("serves, containers not all ready", WARN),
    "7": Text("serves", GOOD),
}
"""1 if all containers are ready, and 2 if it counts as active, and 4 if it serves."""
NOT_ASKED = (8.0, Text("could not be asked", "purple"))
"""From 8 on: whether it serves is unknown."""
