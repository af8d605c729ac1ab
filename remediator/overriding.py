"""What a person, or the one setting, may override of the table of diagnoses, and what holds even then. Pure."""

from dataclasses import replace

from remediator.inputs import Inputs
from stagekeeper.diego.conditions import OVERRIDABLE, Condition, Diagnosis, Match, Restart
from stagekeeper.diego.observation import Observation, Reply

PERSONS_CHOICE = frozenset({Condition.STUCK_UNAVAILABLE, Condition.LISTENING_UNKNOWN})
"""What a restart may well fix, and only a person may decide on."""


def accepted(given: Inputs) -> frozenset[str]:
    """What was accepted, of what can be."""
    return OVERRIDABLE & given.accept


def overridden(given: Inputs) -> bool:
    """Whether a `never` of this diagnosis was turned into a pass, by a person or by the one setting.

    Where the table waits, both do: Locket may be on its way. But of a 503 that is just older than a migration, and may
    be one, a person may know better.
    """
    found = given.assessment.diagnosis
    stuck, refused = found.name is Condition.STUCK_UNAVAILABLE, found.restart is Restart.NEVER
    by_setting = stuck and refused and given.policy.restart_stuck_unavailable
    by_a_person = found.name in accepted(given) and (refused or stuck)
    return (by_setting or by_a_person) and not given.seen.serving() and not in_doubt(given.seen)


def hindering(given: Inputs) -> Match | None:
    """What else forbids or delays a restart that was accepted or only a person may decide on; None if nothing does."""
    found = given.assessment.diagnosis.name
    if not overridden(given) and found not in PERSONS_CHOICE:
        return None
    others = given.assessment.besides
    agreed = [each for each in others if each.answer is Restart.NEVER and each.condition in accepted(given)]
    return next((each for each in others if each not in agreed), None)


def to_deal_with(given: Inputs) -> Diagnosis:
    """What a person is to deal with first: what else forbids the restart, or the diagnosis itself."""
    other, found = hindering(given), given.assessment.diagnosis
    return replace(found, name=other.condition, why=other.why, next=other.next) if other else found


def in_doubt(seen: Observation) -> str:
    """Of which pod nobody can know that it does not serve others, though it did not say ok to us; "" for none.

    A refusal and a 503 tell. Whatever else we met (silence, broken TLS, no answer) may be on our way alone: then only
    the label, which the pod's own readiness probe sets, can tell, and a platform without labels leaves it open. There
    a refusal may be a firewall's as well, unless something shows that our way is open.
    """
    for each in seen.known_pods:
        name = each.pod.name
        if each.pod.terminating or each.reply is Reply.UNAVAILABLE or not seen.bbs_runs(each.pod):
            continue
        if each.counts_as_active:
            return f"{name} is Ready and labelled active, so it may serve"
        if each.reply is Reply.REFUSED:
            if each.labelled_active is None and not (isinstance(seen.witness, str) and seen.witness):
                return f"{name} may serve behind a firewall that rejects us, and no label says that it does not"
        elif each.labelled_active is not False:
            met = each.reply.value if each.reply else "not asked"
            return f"{name} ({met}) may serve others, and no label says that it does not"
    return ""
