"""The status page: what the remediator believes, would do, and has done; it says most when a person is needed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

from remediator.escalating import INSIDE, NEXT
from remediator.gates import earliest_sentence
from remediator.policy import Mode
from remediator.reconciler import Reconciler, State
from remediator.record import took
from remediator.remediation import GateResult, Phase, Remediation, Request
from stagekeeper.diego.evidence import probe
from stagekeeper.service.pages import Cell, Command, Facts, Group, Link, Listing, Table, Word, page

REFRESH = 10
"""Seconds after which the page loads itself again."""
HISTORY = 20
RUNBOOKS = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/runbooks"
_KIND = {"pass": "good", "not_yet": "wait", "never": "bad", "not_configured": "none"}
_PHASE_KIND = {"Recovered": "good", "SelfHealed": "good", "Escalated": "bad", "Observed": "none"}


def status_page(mode: Mode, reconcilers: Iterable[Reconciler], now: datetime) -> str:
    """The whole page; every text is escaped, whatever it holds."""
    acts = "restarts the BBS pods when every gate is open" if mode is Mode.ACT else "only writes down what it would do"
    about = f"it {acts}. {_moment(now)}; refreshes every {REFRESH} s."
    groups = [_environment(each, now) for each in reconcilers]
    return page("Stagekeeper remediator", ("Mode", Word(mode, "none"), about, _METRICS), groups, refresh=REFRESH)


_METRICS = Link("metrics", "Metrics")


def _environment(reconciler: Reconciler, now: datetime) -> Group:
    state, latest = reconciler.state, reconciler.state.latest
    sections: list[Table | Facts | Listing] = [Facts("Now", _now(reconciler, now))]
    if latest is not None and (latest.phase.open or latest.latched):
        sections += _in_need(reconciler, latest, now)
    sections.append(Listing("History", [*_history(state.remediations)]))
    return Group(reconciler.cluster.environment.name, sections)


def _now(reconciler: Reconciler, now: datetime) -> list[tuple[str, Cell]]:
    environment, state = reconciler.cluster.environment, reconciler.state
    facts: list[tuple[str, Cell]] = [("Namespace", environment.namespace)]
    if state.assessment is None:
        facts.append(("Diagnosis", "not checked yet"))
    else:
        seen, at = state.assessment.diagnosis, state.assessment.moment.at
        facts += [
            ("Diagnosis", f"{seen.name}: {seen.why}"),
            ("Last observed", f"{took(now - at)} ago, {_moment(at)}"),
        ]
    if state.failure:
        facts.append(("Kubernetes API", (Word(state.failure, "bad"), "retrying")))
    if state.pause is not None:
        facts.append(("Pause", (Word("paused", "wait"), state.pause.why) if state.pause.paused else "not paused"))
    facts += [
        (
            f"Alert in {each.view.alertmanager}",
            (f"{each.view.state} {each.view.detail}".strip(), Link(each.view.alertmanager, "Alertmanager")),
        )
        for each in state.alerts
    ]
    if state.latest is None:
        facts.append(("Remediation", "none so far"))
    elif not state.latest.phase.open and not state.latest.latched:
        facts.append(("Remediation", "none open"))
    return facts


def _in_need(reconciler: Reconciler, latest: Remediation, now: datetime) -> list[Table | Facts | Listing]:
    """All that a person wants to know of a remediation that is open or waits for one."""
    state = reconciler.state
    gates = (state.gates or latest.gates) if latest.phase is Phase.WATCHING else latest.gates
    facts: list[tuple[str, Cell]] = [
        ("Phase", (_phase(latest.phase), f"for {took(now - latest.entered)}, since {_moment(latest.entered)}")),
        ("Opened by", _opened(latest.request, latest.created)),
        ("Why", latest.message or latest.reason),
    ]
    if latest.latched:
        facts.append(("Waits for", "a person, or the BBS serving again"))
    if latest.phase is Phase.WATCHING:
        facts.append(("Restart", earliest_sentence(gates, now)))
    planned = [pod.name for step in latest.plan.steps for pod in step.pods] if latest.plan else []
    if planned:
        left = [name for name in planned if name not in latest.deleted]
        facts.append(("Deleted", f"{', '.join(latest.deleted) or 'nothing'}; not deleted: {', '.join(left) or 'none'}"))
    elif latest.latched:
        facts.append(("Deleted", "nothing"))
    facts += [("Next", Command(_next(reconciler, latest))), ("Runbook", _runbooks(latest))]
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
    """What an escalation says, else the command that needs nothing installed."""
    _, _, told = latest.message.rpartition(NEXT)
    if latest.phase is Phase.ESCALATED and NEXT in latest.message:
        return told
    return f"{INSIDE}diagnose --environment {reconciler.cluster.environment.name}"


def _runbooks(latest: Remediation) -> tuple[Link, Link]:
    page_ = "StagekeeperEscalated" if latest.phase is Phase.ESCALATED else "StagerUnavailable"
    return Link(f"{RUNBOOKS}/en/{page_}.md", "English"), Link(f"{RUNBOOKS}/ko/{page_}.md", "한국어")


def _pods(state: State) -> Iterator[list[Cell]]:
    for each in state.assessment.observation.known_pods if state.assessment else ():
        label = {True: ", labelled active", False: "", None: ""}[each.labelled_active]
        yield [each.pod.name, f"{probe(each.probe)}{label}"]


def _story(latest: Remediation) -> Iterator[str]:
    """Each line once; one that repeats is told with its number and its last time."""
    for message, group in groupby(latest.transitions, key=lambda each: each.message):
        lines = [*group]
        again = f" (again {len(lines) - 1} times, until {lines[-1].at:%H:%M:%S})" if len(lines) > 1 else ""
        yield f"{lines[0].at:%H:%M:%S} UTC: {message}{again}"


def _history(remediations: Sequence[Remediation]) -> Iterator[Cell]:
    """The newest first; those that ended alike, one after the other, in one line."""
    newest = list(remediations)[::-1][:HISTORY]
    for _, group in groupby(newest, key=lambda each: (each.phase, each.reason, each.message)):
        alike = [*group]
        first, last = alike[0], alike[-1]
        names = first.name if len(alike) == 1 else f"{last.name} to {first.name}, {len(alike)} alike, last"
        lasted = f", took {took(first.closed_at - first.created)}" if first.closed_at else ""
        deleted = f", deleted {', '.join(first.deleted)}" if first.deleted else ""
        said = f"{names}: {_moment(first.created)}{lasted}{deleted}. {first.message or first.reason}"
        yield _phase(first.phase), said


def _phase(phase: str) -> Word:
    return Word(phase, _PHASE_KIND.get(phase, "wait"))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
