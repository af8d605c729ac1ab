"""What the remediator says of itself in /metrics. Label values come from fixed lists, so the series are bounded."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from remediator.answers import Word
from remediator.course import Look
from remediator.episode import Episode, Phase, Reason
from remediator.gates import GATES, AlertSeen, Seen
from remediator.opening import Judgement
from remediator.policy import Mode
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
"""Every phase that an episode can come to, with its reason."""
DELETIONS = ("accepted", *REASONS)
"""What can become of a DELETE."""
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
        self.episodes = counter(
            "stagekeeper_episodes", "Transitions stored by this replica.", "environment", "phase", "reason"
        )
        self.phase = gauge("stagekeeper_episode_phase", "1 for the phase of the open episode.", "environment", "phase")
        self.opened = gauge(
            "stagekeeper_episode_opened_timestamp_seconds", "When the open episode began.", "environment"
        )
        self.overdue = gauge(
            "stagekeeper_episode_overdue", "Whether an episode has watched for too long.", "environment"
        )
        self.escalated = gauge("stagekeeper_escalated", "Whether the last episode waits for a person.", "environment")
        self.gate = gauge("stagekeeper_gate", "1 for each gate's answer.", "environment", "gate", "answer")
        self.deletions = counter(
            "stagekeeper_deletions", "DELETE requests for pods, by result.", "environment", "result"
        )
        self.paused = gauge("stagekeeper_paused", "Whether a person has paused the remediator.", "environment")
        self.alertmanager = gauge(
            "stagekeeper_alertmanager_up", "Whether an Alertmanager can be asked.", "alertmanager"
        )
        self.looks = counter("stagekeeper_looks", "Looks taken.", "environment")
        self.look_duration = gauge("stagekeeper_look_duration_seconds", "Duration of the last look.", "environment")
        self.last_look = gauge(
            "stagekeeper_last_look_timestamp_seconds", "When the last look was taken.", "environment"
        )
        self.kubernetes = gauge("stagekeeper_kubernetes_up", "Whether the Kubernetes API can be read.", "environment")
        self.failures = counter(
            "stagekeeper_kubernetes_failures", "Requests to the Kubernetes API that failed.", "environment", "reason"
        )
        self.took = Histogram(
            "stagekeeper_episode_duration_seconds",
            "From the opening of an episode to its plan, its last delete and its recovery.",
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
        """No episode is open in this environment."""
        for phase in _OPEN:
            self.phase.labels(environment, phase.value).set(0)
        self.overdue.labels(environment).set(0)
        self.escalated.labels(environment).set(latched)
        if (environment,) in self.opened._metrics:  # noqa: SLF001 -- remove() of a missing child warns
            self.opened.remove(environment)
        self._forget_gates(environment)

    def episode(self, environment: str, episode: Episode) -> None:
        """An episode as it stands, open or not."""
        if not episode.phase.open:
            self.settled(environment, latched=episode.latched and episode.phase is Phase.ESCALATED)
            return
        for phase in _OPEN:
            self.phase.labels(environment, phase.value).set(phase is episode.phase)
        self.opened.labels(environment).set(episode.created.timestamp())
        self.overdue.labels(environment).set(episode.overdue and episode.phase is Phase.WATCHING)
        self.escalated.labels(environment).set(0)
        for name, answer in episode.gates:
            for word in Word:
                self.gate.labels(environment, name, word.value).set(word is answer.word)

    def look(self, environment: str, look: Look, seconds: float, *, readable: bool) -> None:
        """One look was taken."""
        self.looks.labels(environment).inc()
        self.look_duration.labels(environment).set(seconds)
        self.last_look.labels(environment).set(look.moment.at.timestamp())
        self.kubernetes.labels(environment).set(readable)

    def asked(self, answers: Iterable[AlertSeen]) -> None:
        """Alertmanagers were asked."""
        for each in answers:
            self.alertmanager.labels(each.alertmanager).set(each.seen is not Seen.UNREADABLE)

    def moved(self, environment: str, before: Episode, after: Episode) -> None:
        """A transition was stored by this replica."""
        self.episodes.labels(environment, after.phase.value, after.reason.value).inc()
        until = {
            Phase.RESTARTING: "plan",
            Phase.VERIFYING: "last_delete" if after.deletions else "",
            Phase.RECOVERED: "recovered",
        }.get(after.phase)
        if until and before.phase.open:
            self.took.labels(environment, until).observe((after.entered - after.created).total_seconds())

    def _begin(self, environment: str) -> None:
        """Every counter of an environment from 0 on."""
        self.looks.labels(environment)
        for phase, reason in TRANSITIONS:
            self.episodes.labels(environment, phase.value, reason.value)
        for result in DELETIONS:
            self.deletions.labels(environment, result)
        for trouble in REASONS:
            self.failures.labels(environment, trouble)

    def _forget_gates(self, environment: str) -> None:
        for name, _ in GATES:
            for word in Word:
                if (environment, name, word.value) in self.gate._metrics:  # noqa: SLF001 -- as above
                    self.gate.remove(environment, name, word.value)
