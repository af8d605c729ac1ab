"""The status page: what the remediator believes, would do, and has done; it says most when a person is needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode

from remediator import pause
from remediator.escalating import names, next_step, without_next
from remediator.gates import earliest_sentence
from remediator.inputs import AlertState, AlertView
from remediator.policy import Mode
from remediator.reconciler import Reconciler
from remediator.record import took
from remediator.remediation import GateResult, Phase, Remediation, Request
from remediator.settings import RemediatorSettings
from remediator.state import ReconcilerState
from stagekeeper.diego.conditions import kind
from stagekeeper.diego.evidence import probe
from stagekeeper.service.pages import Cell, Command, Facts, Group, Link, Listing, Table, Word, page

REFRESH = 10
"""Seconds after which the page loads itself again."""
HISTORY = 20
RUNBOOKS = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/runbooks"
DASHBOARD = "stagekeeper-stager"
"""The uid of the dashboard of one environment."""
_KIND = {"pass": "good", "not_yet": "wait", "never": "bad", "not_configured": "none"}
_PHASE_KIND = {"Recovered": "good", "SelfHealed": "good", "Escalated": "bad", "Observed": "none"}


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page leads people, by the configuration; "" where nothing is known."""

    dashboards: str = ""
    runbooks: str = ""
    alertmanagers: Mapping[str, str] = field(default_factory=dict)
    """By the address that we ask, the one that people open."""
    cluster: str = ""

    def dashboard(self, environment: str) -> Link | None:
        """The dashboard, with the environment chosen."""
        chosen = {"var-environment": environment, **({"var-cluster": self.cluster} if self.cluster else {})}
        address = f"{self.dashboards}/{DASHBOARD}?{urlencode(chosen)}"
        return Link(address, "CF Stager") if self.dashboards else None

    def runbook(self, name: str) -> tuple[Link, ...]:
        """An alert's runbook: the copy that is configured, else the project's in both languages."""
        if self.runbooks:
            return (Link(f"{self.runbooks}/{name}.md", name),)
        return Link(f"{RUNBOOKS}/en/{name}.md", "English"), Link(f"{RUNBOOKS}/ko/{name}.md", "Korean")


def links(settings: RemediatorSettings) -> Links:
    """What the configuration says of them."""
    given = settings.links
    return Links(
        str(given.dashboards or "").rstrip("/"),
        str(given.runbooks or "").rstrip("/"),
        {str(each.url).rstrip("/"): str(each.external_url or each.url) for each in settings.alertmanagers},
        settings.matchers.get("cluster", ""),
    )


def status_page(mode: Mode, reconcilers: Iterable[Reconciler], now: datetime, links: Links | None = None) -> str:
    """The whole page; every text is escaped, whatever it holds."""
    links = links or Links()
    acts = "restarts the BBS pods when every gate is open" if mode is Mode.ACT else "only writes down what it would do"
    about = f"it {acts}. {_moment(now)}; refreshes every {REFRESH} s."
    groups = [_environment(each, now, links) for each in reconcilers]
    return page("Stagekeeper remediator", ("Mode", Word(mode, "none"), about, _METRICS), groups, refresh=REFRESH)


_METRICS = Link("metrics", "Metrics")


def _environment(reconciler: Reconciler, now: datetime, links: Links) -> Group:
    state, latest = reconciler.state, reconciler.state.latest
    sections: list[Table | Facts | Listing] = [Facts("Now", _now(reconciler, now, links))]
    if latest is not None and (latest.phase.open or latest.latched):
        sections += _in_need(reconciler, latest, now, links)
    sections.append(Listing("History", [*_history(state.remediations, latest if len(sections) > 1 else None)]))
    return Group(reconciler.cluster.environment.name, sections)


def _now(reconciler: Reconciler, now: datetime, links: Links) -> list[tuple[str, Cell]]:
    environment, state = reconciler.cluster.environment, reconciler.state
    facts: list[tuple[str, Cell]] = [("Namespace", environment.namespace)]
    if state.assessment is None:
        facts.append(("Diagnosis", "not checked yet"))
    else:
        seen, at = state.assessment.diagnosis, state.assessment.moment.at
        facts += [
            ("Diagnosis", (Word(seen.name, kind(seen.name)), seen.why)),
            ("Last observed", f"{_for(now - at)} ago, {_moment(at)}"),
        ]
    if state.failure:
        facts.append(("Kubernetes API", (Word(state.failure, "bad"), "retrying")))
    if state.pause is not None:
        facts.append(("Pause", (Word("paused", "wait"), state.pause.why) if state.pause.paused else "not paused"))
    facts += [_alert(each.view, links) for each in state.alerts]
    firing, held = any(each.view.state is AlertState.ACTIVE for each in state.alerts), state.on_hold
    ended = state.latest.name if state.latest is not None and not state.latest.latched else ""
    if firing and held is not None and held.remediation == ended:
        facts.append(("Opens nothing", held.why))
    dashboard = links.dashboard(environment.name)
    if dashboard is not None:
        facts.append(("Dashboard", dashboard))
    if state.latest is None:
        facts.append(("Remediation", "none so far"))
    elif not state.latest.phase.open and not state.latest.latched:
        facts.append(("Remediation", "none open"))
    return facts


def _alert(view: AlertView, links: Links) -> tuple[str, Cell]:
    said = f"{view.state} ({view.detail})" if view.detail else view.state.value
    name = view.alertmanager
    return f"Alert in {name}", (said, Link(links.alertmanagers.get(name, name), "Alertmanager"))


def _in_need(reconciler: Reconciler, latest: Remediation, now: datetime, links: Links) -> list[Table | Facts | Listing]:
    """All that a person wants to know of a remediation that is open or waits for one."""
    state = reconciler.state
    gates = (state.gates or latest.gates) if latest.phase is Phase.WATCHING else latest.gates
    facts: list[tuple[str, Cell]] = [
        ("Phase", (_phase(latest.phase), f"for {_for(now - latest.entered)}, since {_moment(latest.entered)}")),
        ("Opened by", _opened(latest.request, latest.created)),
    ]
    if latest.message:
        facts.append(("Why", without_next(latest.message)))
    if latest.latched:
        facts.append(("Needs", "a person (or recovers by itself, once the BBS serves)"))
    if latest.phase is Phase.WATCHING:
        facts.append(("Restart", earliest_sentence(gates, now)))
    if latest.planned_pods:
        gone = f"; gone or replaced when we came: {names(latest.gone)}" if latest.gone else ""
        facts.append(("Deleted", f"{names(latest.deleted)}{gone}; not deleted: {names(latest.left)}"))
    elif latest.latched:
        facts.append(("Deleted", "nothing"))
    runbook = links.runbook("StagekeeperEscalated" if latest.phase is Phase.ESCALATED else "StagerUnavailable")
    facts += [("Next", Command(_next(reconciler, latest))), ("Runbook", runbook)]
    return [
        Facts(latest.name, facts),
        Table(
            "May it restart now?" if latest.phase is Phase.WATCHING else "Gates, as last asked", _GATES, _gates(gates)
        ),
        Table("Pods now", ("Pod", "Answer"), [*_pods(state)]),
        Listing("Evidence", latest.plan_evidence or latest.evidence),
        Listing("Story", [*_story(latest)]),
    ]


_GATES = ("Answer", "Gate", "Why", "Progress")


def _gates(answers: Sequence[tuple[str, GateResult]]) -> list[list[Cell]]:
    return [
        [Word(answer.outcome, _KIND[answer.outcome]), name, answer.why, answer.progress] for name, answer in answers
    ]


def _opened(request: Request, at: datetime) -> str:
    if request.person:
        accepting = f", accepting {request.accept}" if request.accept else ""
        return f"{request.person}, {_moment(at)}{accepting}: {request.why}"
    return f"alert {request.alertname or 'without a name'}, {_moment(at)}"


def _next(reconciler: Reconciler, latest: Remediation) -> str:
    """What an escalation says, else what ends the pause, else the diagnosis; none needs anything but kubectl."""
    told = next_step(latest.message)
    if latest.phase is Phase.ESCALATED and told:
        return told
    environment = reconciler.cluster.environment
    if reconciler.state.pause is not None and reconciler.state.pause.paused:
        return pause.end(environment.namespace)
    return f"{reconciler.policy.inside}stagekeeper diagnose --environment {environment.name}"


def _pods(state: ReconcilerState) -> Iterator[list[Cell]]:
    for each in state.assessment.observation.known_pods if state.assessment else ():
        label = {True: ", labelled active", False: "", None: ""}[each.labelled_active]
        yield [each.pod.name, f"{probe(each.probe)}{label}"]


def _story(latest: Remediation) -> Iterator[str]:
    """Each line once; one that repeats is told with its number and its last time."""
    for message, group in groupby(latest.transitions, key=lambda each: each.message):
        lines = [*group]
        again = f" (again {len(lines) - 1} times, until {lines[-1].at:%H:%M:%S})" if len(lines) > 1 else ""
        yield f"{lines[0].at:%H:%M:%S} UTC: {without_next(message)}{again}"


def _history(remediations: Sequence[Remediation], told: Remediation | None) -> Iterator[Cell]:
    """The newest first, but the one that is told above; those that ended alike, one after the other, in one line."""
    newest = [each for each in reversed(remediations) if each is not told][:HISTORY]
    for _, group in groupby(newest, key=lambda each: (each.phase, each.reason, each.message)):
        alike = [*group]
        first, last = alike[0], alike[-1]
        which = first.name if len(alike) == 1 else f"{last.name} to {first.name}, {len(alike)} alike, last"
        lasted = f", took {took(first.closed_at - first.created)}" if first.closed_at else ""
        deleted = f", deleted {', '.join(first.deleted)}" if first.deleted else ""
        said = f"{which}: {_moment(first.created)}{lasted}{deleted}. {without_next(first.message) or first.reason}"
        yield _phase(first.phase), said


def _phase(phase: str) -> Word:
    return Word(phase, _PHASE_KIND.get(phase, "wait"))


def _for(lasted: timedelta) -> str:
    """How long, as precisely as somebody on call wants to know."""
    minutes, seconds = divmod(max(int(lasted.total_seconds()), 0), 60)
    hours, rest = divmod(minutes, 60)
    if hours:
        return f"{hours} h {rest} min"
    return f"{rest} min" if rest else f"{seconds} s"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
