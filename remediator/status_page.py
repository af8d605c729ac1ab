"""The status page: what the remediator believes, would do, and has done, readable on a phone, without scripts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from remediator.policy import Mode
from remediator.reconciler import Reconciler, State
from remediator.remediation import GateResult, Remediation
from stagekeeper.visible import html_text as escape

REFRESH = 10
"""Seconds after which the page loads itself again."""
HISTORY = 20
_STYLE = """
body{overflow-wrap:anywhere;
font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#1b1f24;background:#fff}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .3rem}
section{border:1px solid #d0d7de;border-radius:.5rem;padding:.2rem 1rem 1rem;margin:1rem 0}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem .8rem;margin:.5rem 0}
dt{color:#57606a}dd{margin:0}
.word{display:inline-block;min-width:4.5rem;border-radius:.3rem;padding:0 .4rem;text-align:center;color:#fff}
.good{background:#1a7f37}.wait{background:#9a6700}.bad{background:#b42318}.none{background:#57606a}
ul{padding-left:0;list-style:none;margin:.3rem 0}li{margin:.3rem 0}small{color:#57606a}
@media(max-width:32rem){dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:.4rem}}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}section{border-color:#30363d}dt,small{color:#9198a1}}
"""
_CLASS = {"pass": "good", "not_yet": "wait", "never": "bad", "not_configured": "none"}
_PHASE_CLASS = {"Recovered": "good", "SelfHealed": "good", "Escalated": "bad", "Observed": "none"}


def page(mode: Mode, reconcilers: Iterable[Reconciler], now: datetime) -> str:
    """The whole page; every text is escaped, whatever it holds."""
    sections = "".join(map(_section, reconcilers))
    acts = "restarts the BBS pods when every gate is open" if mode is Mode.ACT else "only writes down what it would do"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH}"><title>Stagekeeper remediator</title>'
        f"<style>{_STYLE}</style></head><body><h1>Stagekeeper remediator</h1>"
        f"<p>Mode <strong>{escape(mode)}</strong>: it {acts}. <small>{_moment(now)}; refreshes every {REFRESH} s. "
        '<a href="metrics">Metrics</a></small></p>'
        f"{sections}</body></html>\n"
    )


def _section(reconciler: Reconciler) -> str:
    environment, status = reconciler.cluster.environment, reconciler.state
    latest = status.latest
    is_open = latest is not None and latest.phase.open
    name, namespace = escape(environment.name), escape(environment.namespace)
    return (
        f'<section id="{name}"><h2>{name} <small>namespace {namespace}</small></h2>'
        f"<dl>{_facts(status, latest)}</dl>"
        f"{_gates(latest.gates) if latest is not None and is_open else ''}"
        f"{_history(status.remediations)}</section>"
    )


def _facts(status: State, latest: Remediation | None) -> str:
    facts = []
    if status.assessment is None:
        facts.append(("Diagnosis", "not checked yet"))
    else:
        seen = status.assessment.diagnosis
        facts.append(
            (
                "Diagnosis",
                f"{escape(seen.name)}: {escape(seen.why)} <small>{_moment(status.assessment.moment.at)}</small>",
            )
        )
    if status.pause is not None:
        facts.append(("Pause", escape(status.pause.why) if status.pause.paused else "not paused"))
    if latest is None:
        facts.append(("Remediation", "none so far"))
    elif latest.phase.open:
        facts.append(
            ("Open remediation", f"{escape(latest.name)}, {_word(latest.phase)} since {_moment(latest.entered)}")
        )
        facts.append(("Why", escape(latest.message or latest.reason)))
    elif latest.latched:
        facts.append(
            ("Waiting for", f"a person, or the BBS serving again: {escape(latest.name)} ended {_word(latest.phase)}")
        )
    else:
        facts.append(("Open remediation", "none"))
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)


def _gates(answers: Sequence[tuple[str, GateResult]]) -> str:
    rows = "".join(
        f'<li><span class="word {_CLASS[answer.outcome]}">{escape(answer.outcome)}</span> '
        f"<strong>{escape(name)}</strong> "
        f"{escape(answer.why)}</li>"
        for name, answer in answers
    )
    return f"<h3>May it restart now?</h3><ul>{rows}</ul>" if rows else ""


def _history(remediations: Sequence[Remediation]) -> str:
    rows = "".join(
        f"<li>{_word(each.phase)} <strong>{escape(each.name)}</strong> <small>{_moment(each.created)}"
        f"{_deleted(each)}</small><br>{escape(each.message or each.reason)}</li>"
        for each in list(remediations)[::-1][:HISTORY]
    )
    return f"<h3>History</h3><ul>{rows}</ul>" if rows else ""


def _deleted(remediation: Remediation) -> str:
    names = ", ".join(each.name for each in remediation.deletions)
    return f"; terminated {escape(names)}" if names else ""


def _word(phase: str) -> str:
    return f'<span class="word {_PHASE_CLASS.get(phase, "wait")}">{escape(phase)}</span>'


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
