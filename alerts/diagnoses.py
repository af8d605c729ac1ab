"""Each diagnosis in words, for the one sentence that an on-call person reads first."""

FOUND = {
    "no_active_bbs": "all pods are up, but none listens on port 8889",
    "serving": "a BBS serves and its Service leads to it",
    "not_applicable": "there is no Diego in this environment",
    "split_brain": "two BBS listen at once, although only one may hold the lock",
    "active_not_labelled": "a BBS serves, but it is not labelled active, so the Service has no endpoint",
    "dns_fault": "a BBS serves, but the name of its Service does not resolve",
    "network_fault": "connections to a pod or to the Service are lost in the network",
    "observer_fault": "our own view is incomplete or contradicts itself",
    "migrating": "a BBS answers 503, as it does during migrations",
    "stuck_unavailable": "a BBS of long standing answers 503, probably over dead database connections",
    "tls_broken": "TLS with a BBS fails, so look at the certificates",
    "frozen": "a BBS accepts connections but does not answer as one",
    "scaled_down": "the StatefulSet is scaled to 0",
    "rolling_out": "a roll-out is under way",
    "terminating_stuck": "a pod has been Terminating for longer than its grace period",
    "database_down": "the database does not answer",
    "node_down": "the node of a pod does not answer",
    "crash_looping": "a pod crashes again and again",
    "starting": "a pod has just started",
    "pods_not_ready": "a pod has been missing, Pending or not ready for long",
    "locket_down": "Locket, which keeps the lock, is not ready",
    "cloud_controller_down": "no BBS listens, and no Cloud Controller pod is ready",
    "label_contradicts": "a pod is labelled active and ready, but refuses connections",
}
"""Each name of stagekeeper/diego/diagnosis.py, in words."""

CURES = ("no_active_bbs",)
LIKELY_CURE = ("stuck_unavailable",)
NOTHING_WRONG = ("serving", "not_applicable")
NOT_YET = ("migrating", "observer_fault", "rolling_out", "database_down", "node_down", "starting")
"""What the remediator's diagnosis gate makes of them; to every other name its answer is never."""

CONSEQUENCES = (
    (CURES, "A restart is the cure: the remediator performs it, unless it is paused or only observes."),
    (LIKELY_CURE, "A restart is the likely cure, but a person has to accept it."),
    (NOT_YET, "The remediator waits, since a restart now could do harm."),
    (NOTHING_WRONG, "Nothing is to be done."),
)
HAND_OVER = "A restart would not help: a person is needed."


def in_words(series: str) -> str:
    """A template that says the diagnoses of the alert's environment; `series` is 1 for each that holds."""
    asked = f'printf "{series}{{environment=%q}} == 1" $labels.environment | query'
    found = [(f'eq .Labels.diagnosis "{name}"', f"{words}.") for name, words in FOUND.items()]
    consequences = [(f'match "^({"|".join(names)})$" .Labels.diagnosis', words) for names, words in CONSEQUENCES]
    return "\n".join(
        [
            f"{{{{- range {asked} }}}} Diagnosis {{{{ .Labels.diagnosis }}}}:",
            *_choice(found, "see the runbook."),
            *_choice(consequences, HAND_OVER),
            "{{- else }} No diagnosis could be made.",
            "{{- end }}",
        ]
    )


def _choice(branches: list[tuple[str, str]], otherwise: str) -> list[str]:
    (test, words), *others = branches
    return [
        f"{{{{- if {test} }}}} {words}",
        *(f"{{{{- else if {test} }}}} {words}" for test, words in others),
        f"{{{{- else }}}} {otherwise}",
        "{{- end }}",
    ]
