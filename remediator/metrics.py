"""What the remediator says of itself in /metrics. Label values come from fixed lists, so the series are bounded."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from remediator.answers import Outcome
from remediator.gates import GATES, AlertSeen, Seen
from remediator.opening import Judgement
from remediator.policy import Mode
from remediator.remediation import Phase, Reason, Remediation
from remediator.streaks import Assessment
from stagekeeper.kube.errors import REASONS

ANSWERS = (200, 400, 401, 413, 503)
"""The webhook's status codes. Like every label value that is known before, each counts from 0: a series that begins
with 1 shows no increase."""
TRANSITIONS = (
    (Phase.RESTARTING, Reason.GATES_OPEN),
    (Phase.VERIFYING, Reason.DELETED),
    (Phase.VERIFYING, Reason.SOMEBODY_SERVES),
    (Phase.RECOVERED, Reason.SERVING),
    (Phase.SELF_HEALED, Reason.SERVING),
    (Phase.OBSERVED, Reason.WOULD_RESTART),
    (Phase.ESCALATED, Reason.NEVER),
    (Phase.ESCALATED, Reason.ALERT_GONE),
    (Phase.ESCALATED, Reason.GAVE_UP),
    (Phase.ESCALATED, Reason.STEP_LATE),
    (Phase.ESCALATED, Reason.PODS_LATE),
    (Phase.ESCALATED, Reason.NOT_SERVING),
)
"""Every phase that a remediation can come to, with its reason."""
DELETIONS = ("accepted", *REASONS)
"""What can become of a DELETE."""
MILESTONES = ("plan", "last_delete", "recovered")
"""Until when a remediation's duration is measured."""
_OPEN = tuple(phase for phase in Phase if phase.open)


class Metrics:
    """All series of the remediator's own, on one registry."""

    def __init__(self, registry: CollectorRegistry, mode: Mode, environments: Iterable[str]) -> None:
        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(name, about, labels, registry=registry)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(name, about, labels, registry=registry)

        self.requests = counter("stagekeeper_webhook_requests", "Webhook requests by HTTP status code.", "code")
        self.alerts = counter("stagekeeper_webhook_alerts", "Alerts received, by what was made of them.", "judgement")
        self.duration = Histogram(
            "stagekeeper_webhook_request_duration_seconds",
            "Time to answer a webhook request.",
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15),
        )
        self.remediations = counter(
            "stagekeeper_remediations", "Transitions stored by this replica.", "environment", "phase", "reason"
        )
        self.phase = gauge(
            "stagekeeper_remediation_phase", "1 for the phase of the open remediation.", "environment", "phase"
        )
        self.opened = gauge(
            "stagekeeper_remediation_opened_timestamp_seconds", "When the open remediation began.", "environment"
        )
        self.overdue = gauge(
            "stagekeeper_remediation_overdue", "Whether a remediation has watched for too long.", "environment"
        )
        self.escalated = gauge(
            "stagekeeper_escalated", "Whether the last remediation waits for a person.", "environment"
        )
        self.gate = gauge("stagekeeper_gate", "1 for each gate's answer.", "environment", "gate", "answer")
        self.deletions = counter(
            "stagekeeper_deletions", "DELETE requests for pods, by result.", "environment", "result"
        )
        self.paused = gauge("stagekeeper_paused", "Whether a person has paused the remediator.", "environment")
        self.alertmanager = gauge(
            "stagekeeper_alertmanager_up", "Whether an Alertmanager can be asked.", "alertmanager"
        )
        self.observations = counter("stagekeeper_observations", "Looks taken.", "environment")
        self.observation_duration = gauge(
            "stagekeeper_observation_duration_seconds", "Duration of the last observation.", "environment"
        )
        self.last_observation = gauge(
            "stagekeeper_last_observation_timestamp_seconds", "When the last observation was taken.", "environment"
        )
        self.kubernetes = gauge("stagekeeper_kubernetes_up", "Whether the Kubernetes API can be read.", "environment")
        self.failures = counter(
            "stagekeeper_kubernetes_failures", "Requests to the Kubernetes API that failed.", "environment", "reason"
        )
        self.took = Histogram(
            "stagekeeper_remediation_duration_seconds",
            "From the opening of a remediation to its plan, its last delete and its recovery.",
            ("environment", "until"),
            registry=registry,
            buckets=(30, 60, 120, 180, 300, 600, 900, 1800, 3600),
        )
        for code in ANSWERS:
            self.requests.labels(str(code))
        for judgement in Judgement:
            self.alerts.labels(judgement.value)
        is_mode = gauge("stagekeeper_remediator_mode", "1 for the mode that is in force.", "mode")
        for each in Mode:
            is_mode.labels(each.value).set(each is mode)
        for environment in environments:
            self._begin(environment)
            self.settled(environment)

    def settled(self, environment: str, *, latched: bool = False) -> None:
        """No remediation is open in this environment."""
        for phase in _OPEN:
            self.phase.labels(environment, phase.value).set(0)
        self.overdue.labels(environment).set(0)
        self.escalated.labels(environment).set(latched)
        if (environment,) in self.opened._metrics:  # noqa: SLF001 -- remove() of a missing child warns
            self.opened.remove(environment)
        self._forget_gates(environment)

    def remediation(self, environment: str, remediation: Remediation) -> None:
        """A remediation as it stands, open or not."""
        if not remediation.phase.open:
            self.settled(environment, latched=remediation.latched and remediation.phase is Phase.ESCALATED)
            return
        for phase in _OPEN:
            self.phase.labels(environment, phase.value).set(phase is remediation.phase)
        self.opened.labels(environment).set(remediation.created.timestamp())
        self.overdue.labels(environment).set(remediation.overdue and remediation.phase is Phase.WATCHING)
        self.escalated.labels(environment).set(0)
        for name, answer in remediation.gates:
            for word in Outcome:
                self.gate.labels(environment, name, word.value).set(word is answer.outcome)

    def observe(self, environment: str, assessment: Assessment, seconds: float, *, readable: bool) -> None:
        """One observation was taken."""
        self.observations.labels(environment).inc()
        self.observation_duration.labels(environment).set(seconds)
        self.last_observation.labels(environment).set(assessment.moment.at.timestamp())
        self.kubernetes.labels(environment).set(readable)

    def asked(self, answers: Iterable[AlertSeen]) -> None:
        """Alertmanagers were asked."""
        for each in answers:
            self.alertmanager.labels(each.alertmanager).set(each.seen is not Seen.UNREADABLE)

    def moved(self, environment: str, before: Remediation, after: Remediation) -> None:
        """A transition was stored by this replica."""
        self.remediations.labels(environment, after.phase.value, after.reason.value).inc()
        until = {
            Phase.RESTARTING: "plan",
            Phase.VERIFYING: "last_delete" if after.deletions else "",
            Phase.RECOVERED: "recovered",
        }.get(after.phase)
        if until and before.phase.open:
            self.took.labels(environment, until).observe((after.entered - after.created).total_seconds())

    def _begin(self, environment: str) -> None:
        """Every counter of an environment from 0 on."""
        self.observations.labels(environment)
        for phase, reason in TRANSITIONS:
            self.remediations.labels(environment, phase.value, reason.value)
        for result in DELETIONS:
            self.deletions.labels(environment, result)
        for trouble in REASONS:
            self.failures.labels(environment, trouble)
        for milestone in MILESTONES:
            self.took.labels(environment, milestone)

    def _forget_gates(self, environment: str) -> None:
        for name, _ in GATES:
            for word in Outcome:
                if (environment, name, word.value) in self.gate._metrics:  # noqa: SLF001 -- as above
                    self.gate.remove(environment, name, word.value)
