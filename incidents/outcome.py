"""What a replay came to, and where that is not what its file expects. Pure."""

from collections.abc import Iterator, Sequence

from incidents.format import Expect
from incidents.journal import Line, Replayed
from incidents.words import Decided
from remediator.remediation import Phase, Remediation

ABSENT = "not there."


def decided(remediations: Sequence[Remediation]) -> Decided:
    """What was decided over all these remediations: the most that was done in any of them."""
    if any(each.plan for each in remediations):
        return Decided.RESTART
    phases = {each.phase for each in remediations}
    if Phase.OBSERVED in phases:
        return Decided.WOULD_RESTART
    if Phase.ESCALATED in phases:
        return Decided.ESCALATE
    return Decided.WAIT if any(each.phase.open for each in remediations) else Decided.NOTHING


def differences(expect: Expect, found: Replayed) -> list[str]:
    """Each expectation that was not met, in a sentence."""
    return [*_at_moments(expect, found), *_at_the_end(expect, found)]


def _at_moments(expect: Expect, found: Replayed) -> Iterator[str]:
    for at, name in expect.diagnosis.items():
        seen = found.snapshots[at].diagnosis if at in found.snapshots else None
        if seen is None or seen.name is not name:
            yield f"At {at:g} s the diagnosis should be {name}; it is {f'{seen.name}: {seen.why}' if seen else ABSENT}"
    for at, overdue in expect.overdue.items():
        if (at in found.snapshots and found.snapshots[at].overdue) is not overdue:
            yield f"At {at:g} s the remediation should {'' if overdue else 'not '}be overdue."
    for at, answers in expect.gates.items():
        gates = found.snapshots[at].gates if at in found.snapshots else {}
        for gate, word in answers.items():
            answer = gates.get(gate)
            if answer is None or answer.outcome is not word:
                said = f"{answer.outcome}: {answer.why}" if answer else "nothing."
                yield f"At {at:g} s the gate {gate} should answer {word}; it answers {said}"


def _at_the_end(expect: Expect, found: Replayed) -> Iterator[str]:
    phases = [each.phase for each in found.remediations]
    what = decided(found.remediations)
    waited = what is Decided.NOTHING and bool(phases)  # opened and ended by itself: both words fit
    if expect.decision not in {None, what} and not (waited and expect.decision is Decided.WAIT):
        yield f"The decision should be {expect.decision}; it is {what}."
    if expect.deletions is not None and expect.deletions != found.deleted:
        yield f"The deleted pods should be {_names(expect.deletions)}; they are {_names(found.deleted)}."
    if expect.remediations is not None and expect.remediations != phases:
        yield f"The remediations should end as {_names(expect.remediations)}; they end as {_names(phases)}."
    yield from _of_the_last(expect, found.remediations[-1] if found.remediations else None)
    for judgement, count in expect.judgements.items():
        if found.judgements.get(judgement, 0) != count:
            yield f"{count} alerts should be judged {judgement}; {found.judgements.get(judgement, 0)} are."
    for entered, span in expect.moments.items():
        at = next((line.seconds for line in found.lines if _is(entered, line)), None)
        if at is None or not span.after <= at <= span.before:
            said = f"at {at:g} s" if at is not None else "never"
            yield f"{entered} should come between {span.after:g} and {span.before:g} s; it comes {said}."


def _of_the_last(expect: Expect, latest: Remediation | None) -> Iterator[str]:
    """What is expected of the last remediation."""
    end = f"{latest.phase} ({latest.reason}): {latest.message}" if latest else ABSENT
    if expect.phase is not None and (latest is None or latest.phase is not expect.phase):
        yield f"The phase should be {expect.phase}; it is {end}"
    if expect.reason is not None and (latest is None or latest.reason is not expect.reason):
        yield f"The reason should be {expect.reason}; it is {end}"
    for words in expect.says:
        if latest is None or words not in latest.message:
            yield f"The last message should say {words!r}; it is {end}"
    for words in expect.says_not:
        if latest is not None and words in latest.message:
            yield f"The last message should not say {words!r}; it is {end}"


def _is(what: str, line: Line) -> bool:
    """Whether a line is the first deletion, or the entry of a phase."""
    return bool(line.deleted) if what == "deleted" else line.kind == "transition" and line.phase == what


def _names(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"
