"""The judgement: one table from what was seen to what is wrong. Pure, total; the first row that matches wins.

Only the holder of the lock listens on port 8889, so any accept on any pod rules out `no_active_bbs`. The exporter
publishes the diagnosis, the remediator's gate asks it, `stagekeeper diagnose` prints it: one judgement, three users.
docs/diagnosis.md explains each condition; the rows stand here in their order, which is their meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from stagekeeper.diego.conditions import RESTART, Condition, Restart
from stagekeeper.diego.durations import spell
from stagekeeper.diego.evidence import evidence
from stagekeeper.diego.observation import Locket, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.questions import (
    age,
    all_refused,
    behind,
    migration_possible,
    missing_count,
    names,
    overdue,
    pending,
    replied,
    restarted_twice,
    service_reply,
    unprobed,
    youngest,
)

__all__ = ["RESTART", "ROWS", "Condition", "Diagnosis", "Restart", "diagnose"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The row that matched, with its reason in one sentence and everything else that was found."""

    name: Condition
    row: str
    why: str
    restart: Restart
    evidence: tuple[str, ...] = ()


class Found(NamedTuple):
    """What a row that matches says."""

    condition: Condition
    why: str
    restart: Restart | None = None
    """Given where this row is answered otherwise than its condition is elsewhere."""


Row: TypeAlias = Callable[[Observation], Found | None]
ROWS: list[tuple[str, Row]] = []
"""The table: each row's number in docs/diagnosis.md and its question. The last row always matches."""


def diagnose(seen: Observation) -> Diagnosis:
    """What one observation says. Never raises, whatever the observation holds."""
    for number, matches in ROWS:
        found = matches(seen)
        if found is not None:
            restart = found.restart or RESTART[found.condition]
            return Diagnosis(found.condition, number, found.why, restart, evidence(seen))
    raise AssertionError("The last row matches always.")


def row(number: str) -> Callable[[Row], Row]:
    """Add a question to the table, below those that stand above it in this file."""

    def add(matches: Row) -> Row:
        ROWS.append((number, matches))
        return matches

    return add


_LOOPING = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"})


@row("1")
def absent(seen: Observation) -> Found | None:
    """Pods without their StatefulSet are no absence: then the name that we look for is wrong (row 10)."""
    if seen.workloads == () and seen.pods == ():
        return Found(Condition.NOT_APPLICABLE, "There is no Diego here: no such StatefulSet and no such pods.")
    return None


@row("2")
def split_brain(seen: Observation) -> Found | None:
    """A pod that is Terminating may still listen while the next one begins to."""
    listening = [each for each in seen.accepting() if not each.pod.terminating]
    if len(listening) > 1:
        return Found(Condition.SPLIT_BRAIN, f"{names(listening)} listen at once, but only one may hold the lock.")
    return None


@row("3")
def serving(seen: Observation) -> Found | None:
    """One BBS serves, and the Service leads to it."""
    if seen.serving() and service_reply(seen) is Reply.OK:
        return Found(Condition.SERVING, f"{names(seen.serving())} serves, and the Service leads to it.")
    return None


@row("4")
def active_not_labelled(seen: Observation) -> Found | None:
    """Not where the platform never sets the label."""
    answering = seen.serving()
    if answering and _service_fails(seen) and all(each.labelled_active is False for each in answering):
        why = f"{names(answering)} serves but is not labelled active, so the Service has no endpoint."
        return Found(Condition.ACTIVE_NOT_LABELLED, why)
    return None


@row("5")
def service_broken(seen: Observation) -> Found | None:
    """A BBS serves; what leads to it is broken."""
    if not seen.serving() or not _service_fails(seen):
        return None
    if service_reply(seen) is Reply.DNS:
        return Found(Condition.DNS_FAULT, f"{names(seen.serving())} serves, but the Service's name does not resolve.")
    why = f"{names(seen.serving())} serves, but the Service does not lead to it ({service_reply(seen)})."
    return Found(Condition.NETWORK_FAULT, why)


@row("6")
def wrong_selector(seen: Observation) -> Found | None:
    """Only a whole and steady look can say that none of the pods is the one that answers."""
    whole = isinstance(seen.pods, tuple) and seen.steady is True and not unprobed(seen)
    if whole and not seen.serving() and service_reply(seen) is Reply.OK:
        why = "The Service answers, but no pod that is observed does: the selector is wrong."
        return Found(Condition.OBSERVER_FAULT, why, Restart.NEVER)
    return None


@row("7")
def migrating(seen: Observation) -> Found | None:
    """503, and something is new: a restart would begin the migration again."""
    answering = replied(seen, Reply.UNAVAILABLE)
    if answering and migration_possible(seen):
        why = f"503 from {names(answering)}: it may be migrating its database, and a restart would begin that again."
        return Found(Condition.MIGRATING, why)
    return None


@row("7b")
def stuck_unavailable(seen: Observation) -> Found | None:
    """503, and nothing is new: dead database connections are the likely cause."""
    answering = replied(seen, Reply.UNAVAILABLE)
    if answering and not migration_possible(seen):
        return Found(
            Condition.STUCK_UNAVAILABLE,
            f"503 from {names(answering)}, which holds the lock though nothing is new here: its database connections "
            "are probably dead, and a restart is the likely cure.",
        )
    return None


@row("8")
def tls_broken(seen: Observation) -> Found | None:
    """The handshake fails, on either side: certificates, names, authorities."""
    broken = replied(seen, Reply.TLS)
    if not broken:
        return None
    probes = [each.probe for each in broken if isinstance(each.probe, Probe)]
    why = "; ".join(dict.fromkeys(_handshake(probe) for probe in probes))
    return Found(Condition.TLS_BROKEN, f"TLS with {names(broken)} fails: {why}.")


@row("9")
def frozen(seen: Observation) -> Found | None:
    """Somebody listens and does not answer, or answers as no BBS does."""
    silent = replied(seen, Reply.NO_REPLY, Reply.BAD_REPLY)
    if silent:
        why = f"{names(silent)} accepts connections but does not answer as a BBS does ({silent[0].reply})."
        return Found(Condition.FROZEN, why)
    return None


@row("10")
def unreadable(seen: Observation) -> Found | None:
    """Too little could be read to judge."""
    for what, part in (
        ("pods", seen.pods),
        ("StatefulSet", seen.workloads),
        ("second list", seen.steady),
    ):
        if not isinstance(part, tuple | bool):
            return Found(Condition.OBSERVER_FAULT, f"The {what} could not be read: {_reason(part)}")
    if seen.steady is not True:
        return Found(Condition.OBSERVER_FAULT, "The pods changed while we looked.")
    if unprobed(seen):
        return Found(Condition.OBSERVER_FAULT, f"{names(unprobed(seen))} could not be probed.")
    if not isinstance(seen.service, Probe):
        return Found(Condition.OBSERVER_FAULT, f"The Service could not be probed: {_reason(seen.service)}")
    if seen.workloads == ():
        return Found(
            Condition.OBSERVER_FAULT,
            f"{names(seen.known_pods)} match the selector, but the StatefulSet does not exist.",
        )
    return None


@row("11")
def scaled_down(seen: Observation) -> Found | None:
    """Somebody asked for no BBS at all."""
    return Found(Condition.SCALED_DOWN, "The StatefulSet asks for 0 replicas.") if seen.desired == 0 else None


@row("12")
def terminating(seen: Observation) -> Found | None:
    """Pods are leaving: a roll-out, a drain, or one that can not end."""
    leaving = [each for each in seen.known_pods if each.pod.terminating]
    stuck = next((each for each in leaving if overdue(seen, each)), None)
    if stuck is not None:
        return Found(
            Condition.TERMINATING_STUCK,
            f"{stuck.pod.name} on node {stuck.pod.node or 'none'} should have ended at {stuck.pod.ends_at:%H:%M:%S} "
            "UTC and is still Terminating: look at its node; do not force it, the old process may live on.",
        )
    if leaving:
        return Found(Condition.ROLLING_OUT, f"Terminating: {names(leaving)}.")
    if len(seen.known_pods) > seen.desired:
        return Found(Condition.ROLLING_OUT, f"There are {len(seen.known_pods)} pods for {seen.desired} replicas.")
    return None


@row("13")
def rolling_out(seen: Observation) -> Found | None:
    """The StatefulSet's `currentRevision` is not asked: it can lag for ever (kubernetes #73492)."""
    for workload in seen.known_workloads:
        if workload.observed_generation < workload.generation:
            return Found(
                Condition.ROLLING_OUT, f"StatefulSet {workload.name} has a change that its controller has not seen yet."
            )
        older = behind(seen, workload)
        if older:
            return Found(
                Condition.ROLLING_OUT, f"Still of an older revision of StatefulSet {workload.name}: {names(older)}."
            )
    return None


@row("14")
def database_down(seen: Observation) -> Found | None:
    """The configured check of the database fails."""
    return Found(Condition.DATABASE_DOWN, "The database can't be reached.") if seen.database is False else None


@row("15")
def node_down(seen: Observation) -> Found | None:
    """The node controller marks the pods of a lost node, so nodes need not be read."""
    lost = [each for each in replied(seen, Reply.TIMEOUT) if each.pod.node_lost]
    if lost:
        why = f"{names(lost)} can't be reached, and its node ({lost[0].pod.node}) has stopped reporting."
        return Found(Condition.NODE_DOWN, why)
    return None


@row("16")
def crash_looping(seen: Observation) -> Found | None:
    """A container starts again and again, or its image can not be had."""
    for each in seen.known_pods:
        for container in each.pod.containers:
            if container.waiting in _LOOPING:
                return Found(
                    Condition.CRASH_LOOPING, f"Container {container.name} of {each.pod.name} is in {container.waiting}."
                )
            if restarted_twice(seen, container):
                within = spell(seen.patience.restarted_twice)
                why = f"Container {container.name} of {each.pod.name} restarted twice within {within}."
                return Found(Condition.CRASH_LOOPING, why)
    return None


@row("17")
def starting(seen: Observation) -> Found | None:
    """Pods that are missing only wait for one that is Pending (OrderedReady), whose age then decides."""
    waiting = [each for each in seen.known_pods if pending(each)]
    young = [each for each in seen.known_pods if each not in waiting and youngest(seen, each) < seen.patience.starting]
    if young:
        return Found(Condition.STARTING, f"{names(young)} started less than {spell(seen.patience.starting)} ago.")
    if waiting and all(age(seen, each.pod.created) < seen.patience.pending for each in waiting):
        return Found(Condition.STARTING, f"Pending: {names(waiting)}.")
    if missing_count(seen) and not waiting and age(seen, seen.missing_since) < seen.patience.pending:
        return Found(Condition.STARTING, f"{missing_count(seen)} of {seen.desired} pods are missing.")
    return None


@row("18")
def missing(seen: Observation) -> Found | None:
    """What has not lasted that long was row 17."""
    waiting = [each for each in seen.known_pods if pending(each)]
    if waiting:
        return Found(
            Condition.PODS_NOT_READY, f"Pending for more than {spell(seen.patience.pending)}: {names(waiting)}."
        )
    if missing_count(seen):
        longest = spell(seen.patience.pending)
        why = f"{missing_count(seen)} of {seen.desired} pods have been missing for more than {longest}."
        return Found(Condition.PODS_NOT_READY, why)
    return None


@row("19")
def locket_down(seen: Observation) -> Found | None:
    """Locket stands alone and is not whole: nobody can take the lock."""
    if isinstance(seen.locket, Locket) and not seen.locket.all_ready:
        why = f"Not all pods of StatefulSet {seen.locket.workload.name} are Ready: no BBS can take the lock."
        return Found(Condition.LOCKET_DOWN, why)
    return None


@row("20")
def unreachable(seen: Observation) -> Found | None:
    """No answer from a pod, though a control answers: the path to that pod is broken."""
    silent = replied(seen, Reply.TIMEOUT)
    if silent and isinstance(seen.control, str) and seen.control:
        return Found(
            Condition.NETWORK_FAULT,
            f"{names(silent)} can't be reached on the BBS port, though {seen.control} can.",
        )
    return None


@row("21")
def nothing_reachable(seen: Observation) -> Found | None:
    """No answer from a pod, and no control that answers: the fault may be ours."""
    silent = replied(seen, Reply.TIMEOUT)
    if not silent:
        return None
    if seen.control == "":
        return Found(
            Condition.OBSERVER_FAULT, f"{names(silent)} can't be reached, and neither can anything else that we tried."
        )
    why = f"{names(silent)} can't be reached, and nothing else was tried that could tell whose fault that is."
    return Found(Condition.OBSERVER_FAULT, why)


@row("22")
def cloud_controller_down(seen: Observation) -> Found | None:
    """Nobody listens, and the Cloud Controller is down as well."""
    if all_refused(seen) and isinstance(seen.cloud_controller, ReadyPods) and seen.cloud_controller.ready == 0:
        why = "Nobody listens, and no Cloud Controller pod is Ready either: this is a wider fault."
        return Found(Condition.CLOUD_CONTROLLER_DOWN, why)
    return None


@row("23")
def label_contradicts(seen: Observation) -> Found | None:
    """The readiness probe of a pod says that it serves; ours is refused."""
    claiming = [each for each in seen.known_pods if each.counts_as_active]
    if all_refused(seen) and claiming:
        return Found(
            Condition.LABEL_CONTRADICTS, f"Labelled as serving, but refusing our connection: {names(claiming)}."
        )
    return None


@row("24")
def not_ready(seen: Observation) -> Found | None:
    """A pod refuses and its BBS container is not ready."""
    unready = [each for each in seen.known_pods if not seen.bbs_ready(each.pod)]
    if all_refused(seen) and unready and seen.passive_is_ready:
        return Found(Condition.PODS_NOT_READY, f"The BBS container is not ready in {names(unready)}.")
    return None


@row("25")
def no_active_bbs(seen: Observation) -> Found | None:
    """Row 25, the one that a restart cures. Whatever could not be read might speak against it."""
    nobody = all_refused(seen) and not _service_accepts(seen)
    if nobody and len(seen.known_pods) == seen.desired >= 1 and seen.steady is True and not _unread(seen):
        return Found(Condition.NO_ACTIVE_BBS, "Every pod runs and refuses: nobody holds the lock and listens.")
    return None


@row("26")
def anything_else(seen: Observation) -> Found:
    """What no other row says."""
    if all_refused(seen) and _service_accepts(seen):
        why = f"Every pod refuses, but something behind the Service listens ({service_reply(seen)})."
        return Found(Condition.OBSERVER_FAULT, why)
    return Found(Condition.OBSERVER_FAULT, " ".join(("What was seen fits no known state.", *_unread(seen))))


# What the rows ask


def _service_fails(seen: Observation) -> bool:
    return isinstance(seen.service, Probe) and seen.service.reply is not Reply.OK


def _handshake(probe: Probe) -> str:
    """Why a handshake failed, with the date that whoever is woken wants to know."""
    ends = f", certificate ends {probe.certificate_ends:%Y-%m-%d}" if probe.certificate_ends else ""
    return f"{probe.detail or 'no detail'}{ends}"


def _service_accepts(seen: Observation) -> bool:
    """Whether somebody listens behind the Service, perhaps a pod that we do not look at."""
    reply = service_reply(seen)
    return reply is None or reply.accepted


def _unread(seen: Observation) -> list[str]:
    """Why parts that could speak against a restart are not known."""
    return [part.reason for part in (seen.database, seen.locket, seen.cloud_controller) if isinstance(part, Unknown)]


def _reason(part: object) -> str:
    return part.reason if isinstance(part, Unknown) else "it was not looked at."
