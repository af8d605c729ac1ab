"""What the remediator says of itself in /metrics: a Collector over the state of its reconcilers.

Label values come from fixed lists, so the series are bounded; what is counted counts from 0, since a series that begins
with 1 shows no increase.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from remediator.inputs import AlertState
from remediator.intake import Judgement
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.remediation import Outcome, Phase, Reason
from remediator.state import ReconcilerState
from remediator.webhook import Webhook
from stagekeeper.diego.observation import Unknown
from stagekeeper.kube.errors import REASONS

ANSWERS = (200, 400, 401, 403, 405, 413, 503)
"""The webhook's status codes."""
TRANSITIONS = (
    (Phase.RESTARTING, Reason.GATES_OPEN),
    (Phase.VERIFYING, Reason.DELETED),
    (Phase.VERIFYING, Reason.SOMEBODY_SERVES),
    (Phase.RECOVERED, Reason.SERVING),
    (Phase.SELF_HEALED, Reason.SERVING),
    (Phase.OBSERVED, Reason.WOULD_RESTART),
    (Phase.ESCALATED, Reason.NEVER),
    (Phase.ESCALATED, Reason.AWAITING_APPROVAL),
    (Phase.ESCALATED, Reason.OUT_OF_BOUNDS),
    (Phase.ESCALATED, Reason.ALERT_GONE),
    (Phase.ESCALATED, Reason.GAVE_UP),
    (Phase.ESCALATED, Reason.INTERRUPTED),
    (Phase.ESCALATED, Reason.PODS_LATE),
    (Phase.ESCALATED, Reason.NOT_SERVING),
)
"""Every phase that a remediation can come to, with its reason."""
DELETIONS = ("accepted", *REASONS)
"""What can become of a DELETE."""
MILESTONES = ("plan", "last_delete", "recovered")
"""Until when a remediation's duration is measured."""
_OPEN = tuple(phase for phase in Phase if phase.open)
Sample = tuple[tuple[str, ...], float]
Samples = Callable[[ReconcilerState], Iterable[Sample]]


class WebMetrics:
    """What is counted where requests are answered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "stagekeeper_webhook_requests", "Webhook requests by HTTP status code.", ["code"], registry=registry
        )
        self.duration = Histogram(
            "stagekeeper_webhook_request_duration_seconds",
            "Time to answer a webhook request.",
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15),
        )
        for code in ANSWERS:
            self.requests.labels(str(code))


class ReconcilerCollector(Collector):
    """Every series that speaks of an environment, made afresh from its reconciler's state, so that none lingers."""

    def __init__(
        self, registry: CollectorRegistry, mode: Mode, reconcilers: Mapping[str, Reconciler], webhook: Webhook
    ) -> None:
        self._mode, self._reconcilers, self._webhook = mode, reconcilers, webhook
        self._took = Histogram(
            "stagekeeper_remediation_duration_seconds",
            "From the opening of a remediation to its plan, its last delete and its recovery.",
            ("environment", "until"),
            registry=None,
            buckets=(30, 60, 120, 180, 300, 600, 900, 1800, 3600),
        )
        for environment in reconcilers:
            for until in MILESTONES:
                self._took.labels(environment, until)
        registry.register(self)
        registry.register(self._took)  # collected after us, so that a scrape with a new count has its duration too

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked at when the collector is registered."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """The families, each once."""
        judged = CounterMetricFamily(
            "stagekeeper_webhook_alerts",
            "Alerts received, by what was made of them.",
            labels=["environment", "judgement"],
        )
        for judgement in Judgement:
            for environment in ("",) if judgement.unmanaged else self._reconcilers:
                judged.add_metric([environment, judgement.value], self._webhook.judged[environment, judgement])
        yield judged
        mode = GaugeMetricFamily("stagekeeper_remediator_mode", "1 for the mode that is in force.", labels=["mode"])
        for each in Mode:
            mode.add_metric([each.value], float(each is self._mode))
        yield mode
        yield self._alertmanagers()
        for name, about, labels, samples in SERIES:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, about, labels=["environment", *labels])
            for environment, reconciler in self._reconcilers.items():
                for values, value in samples(reconciler.state):
                    family.add_metric([environment, *values], value)
            yield family
        self._note_durations()

    def _alertmanagers(self) -> Metric:
        family = GaugeMetricFamily(
            "stagekeeper_alertmanager_up", "Whether an Alertmanager can be asked.", labels=["alertmanager"]
        )
        views = (each.view for reconciler in self._reconcilers.values() for each in reconciler.state.alerts)
        for url, up in {view.alertmanager: view.state is not AlertState.UNREADABLE for view in views}.items():
            family.add_metric([url], float(up))
        return family

    def _note_durations(self) -> None:
        for environment, reconciler in self._reconcilers.items():
            while reconciler.state.durations:
                until, seconds = reconciler.state.durations.pop(0)
                self._took.labels(environment, until).observe(seconds)


def _transitions(state: ReconcilerState) -> Iterator[Sample]:
    for phase, reason in TRANSITIONS:
        yield (phase.value, reason.value), state.transitions[phase.value, reason.value]


def _phase(state: ReconcilerState) -> Iterator[Sample]:
    for phase in _OPEN:
        yield (phase.value,), float(state.latest is not None and state.latest.phase is phase)


def _opened(state: ReconcilerState) -> Iterator[Sample]:
    if state.latest is not None and state.latest.phase.open:
        yield (), state.latest.created.timestamp()


def _overdue(state: ReconcilerState) -> Iterator[Sample]:
    yield (), float(state.latest is not None and state.latest.phase.open and (state.latest.overdue or state.late))


def _escalated(state: ReconcilerState) -> Iterator[Sample]:
    latest = state.latest
    yield (), float(latest is not None and latest.waits)


def _gates(state: ReconcilerState) -> Iterator[Sample]:
    for name, answer in state.gates:
        for outcome in Outcome:
            yield (name, outcome.value), float(outcome is answer.outcome)


def _deletions(state: ReconcilerState) -> Iterator[Sample]:
    for result in DELETIONS:
        yield (result,), state.deletions[result]


def _paused(state: ReconcilerState) -> Iterator[Sample]:
    if state.pause is not None:
        yield (), float(state.pause.paused)


def _observations(state: ReconcilerState) -> Iterator[Sample]:
    yield (), state.observations


def _seconds(state: ReconcilerState) -> Iterator[Sample]:
    if state.assessment is not None:
        yield (), state.seconds


def _observed_at(state: ReconcilerState) -> Iterator[Sample]:
    if state.assessment is not None:
        yield (), state.assessment.moment.at.timestamp()


def _kubernetes(state: ReconcilerState) -> Iterator[Sample]:
    seen = state.assessment.observation if state.assessment else None
    unread = seen is not None and (isinstance(seen.pods, Unknown) or isinstance(seen.workloads, Unknown))
    if state.asked:
        yield (), float(not state.failure and not unread)


def _failures(state: ReconcilerState) -> Iterator[Sample]:
    for reason in REASONS:
        yield (reason,), state.failures[reason]


SERIES: tuple[tuple[str, str, tuple[str, ...], Samples], ...] = (
    ("stagekeeper_remediations_total", "Transitions stored by this replica.", ("phase", "reason"), _transitions),
    ("stagekeeper_remediation_phase", "1 for the phase of the open remediation.", ("phase",), _phase),
    ("stagekeeper_remediation_opened_timestamp_seconds", "When the open remediation began.", (), _opened),
    ("stagekeeper_remediation_overdue", "Whether a remediation has been open for too long.", (), _overdue),
    ("stagekeeper_escalated", "Whether the last remediation waits for a person.", (), _escalated),
    ("stagekeeper_gate", "1 for each gate's answer.", ("gate", "answer"), _gates),
    ("stagekeeper_deletions_total", "DELETE requests for pods, by result.", ("result",), _deletions),
    ("stagekeeper_paused", "Whether a person has paused the remediator.", (), _paused),
    ("stagekeeper_observations_total", "Completed checks.", (), _observations),
    ("stagekeeper_observation_duration_seconds", "Duration of the last check.", (), _seconds),
    ("stagekeeper_last_observation_timestamp_seconds", "Time of the last check, Unix time.", (), _observed_at),
    ("stagekeeper_kubernetes_up", "Whether the Kubernetes API could be read at the last check.", (), _kubernetes),
    (
        "stagekeeper_kubernetes_failures_total",
        "Checks in which the Kubernetes API could not be read, by reason.",
        ("reason",),
        _failures,
    ),
)
"""Name, HELP, labels next to `environment`, and where the samples come from."""
