"""The judgement: one table from what was seen to what is wrong. Pure, total; the first row that matches wins.

Only the holder of the lock listens on port 8889, so any accept on any pod rules out `no_active_bbs`. The exporter
publishes the diagnosis, the remediator's gate asks it, `stagekeeper diagnose` prints it: one judgement, three users.
docs/diagnosis.md has the same rows and explains each condition; their order is their meaning.
"""

from collections.abc import Callable

from stagekeeper.config.durations import in_words
from stagekeeper.diego import commands
from stagekeeper.diego.conditions import RESTART, Condition, Diagnosis, Match, Restart
from stagekeeper.diego.evidence import evidence
from stagekeeper.diego.observation import Locket, Observation, Probe, Reply, Unknown
from stagekeeper.diego.profiles import HEALTH_PORT
from stagekeeper.diego.questions import (
    age,
    all_refused,
    labelled_apart,
    listens,
    locket_settles,
    migration_possible,
    missing_count,
    no_cloud_controller,
    no_locket,
    overdue,
    pending,
    replied,
    service_accepts,
    service_fails,
    service_reply,
    staying,
    unprobed,
    unread,
    waiting_for,
    young,
    youngest,
)
from stagekeeper.diego.sentences import (
    behind_a_proxy,
    changing,
    details,
    each_described,
    every_pod,
    first_loop,
    lost_node,
    named,
    names,
    no_endpoint,
    not_whole,
    nothing_found,
    reason,
    rolled,
    serves,
    stuck,
    too_many,
    unavailable,
    unlisted,
    unowned,
    unrouted,
)
from stagekeeper.kube.pod_status import described

__all__ = ["RESTART", "ROWS", "Condition", "Diagnosis", "Restart", "diagnose"]


Row = Callable[[Observation], Match | None]
ROWS: list[tuple[str, Row]] = []
"""The table: each row's number in docs/diagnosis.md and its question. The last row always matches."""


def diagnose(seen: Observation) -> Diagnosis:
    """What one observation says. Never raises, whatever the observation holds."""
    for number, matches in ROWS:
        found = matches(seen)
        if found is not None:
            return Diagnosis(found.condition, number, found.why, found.answer, evidence(seen), found.next)
    raise AssertionError("The last row matches always.")


def row(number: str) -> Callable[[Row], Row]:
    """Add a question to the table, below those that stand above it in this file."""

    def add(matches: Row) -> Row:
        ROWS.append((number, matches))
        return matches

    return add


_JUST = 1.25
"""Up to this share of its limit an age has just passed it."""


@row("1")
def absent(seen: Observation) -> Match | None:
    """Pods without their StatefulSet are no absence: then the name that we look for is wrong (row 10)."""
    if seen.workloads != () or seen.pods != () or isinstance(seen.service, Unknown) or service_accepts(seen):
        return None
    return Match(Condition.NOT_APPLICABLE, f"There is no Diego here: {nothing_found(seen)}.")


@row("2")
def split_brain(seen: Observation) -> Match | None:
    """A pod that is Terminating may still listen while the next one begins to; a proxy may accept for a passive one."""
    listening = staying([each for each in seen.known_pods if listens(each)])
    if len(listening) > 1 and not labelled_apart(listening):
        return Match(Condition.SPLIT_BRAIN, f"{names(listening)} listen at once, but only one may hold the lock.")
    return None


@row("3")
def reachable(seen: Observation) -> Match | None:
    """One BBS serves, and the Service leads to it. With TCP probes we know less, and say so."""
    found = seen.serving()
    if not found or service_reply(seen) is not Reply.OK:
        return None
    said = serves(staying(found) or found, seen.sought.port)
    if any(each.by_tcp for each in found):
        said = f"{said}, and so does the Service; without a client certificate (`tls:`) no more can be known."
        return Match(Condition.SERVING, said)
    return Match(Condition.SERVING, f"{said} and the Service routes to it.")


@row("3a")
def leaving(seen: Observation) -> Match | None:
    """A Service drops a pod at once when it is Terminating, which may go on serving for its grace period."""
    going = [each for each in seen.accepting() if each.pod.terminating]
    late = [each for each in going if overdue(seen, each.pod)]
    if late and not any(map(listens, staying(seen.known_pods))):
        return Match(Condition.TERMINATING_STUCK, *stuck(seen, late[0].pod))
    if not going or late:
        return None
    said = f"{going[0].pod.name} is Terminating until {going[0].pod.ends_at:%H:%M:%S} UTC and still accepts connections"
    return Match(Condition.ROLLING_OUT, f"{said} ({going[0].reply}): a roll-out or a drain.")


@row("3b")
def no_such_service(seen: Observation) -> Match | None:
    """Every Service that selects pods has an EndpointSlice, so where there is none the name is wrong."""
    answering, sought = staying(seen.serving()), seen.sought
    if not answering or not service_fails(seen) or not seen.no_such_service:
        return None
    said = f"{serves(answering, sought.port)}, but namespace {sought.namespace} has no Service {sought.service_name}"
    said = f"{said} (no EndpointSlice of it): `service.name` and `service.host` are wrong."
    return Match(Condition.OBSERVER_FAULT, said, commands.services(seen), Restart.NEVER)


@row("4")
def active_not_labelled(seen: Observation) -> Match | None:
    """Not where the platform never sets the label."""
    answering = staying([each for each in replied(seen, Reply.OK) if listens(each)])
    if not answering or not service_fails(seen) or any(each.labelled_active is not False for each in answering):
        return None
    said, leads = serves(answering, seen.sought.port), f"the Service leads nowhere ({service_reply(seen)})"
    if any(each.by_tcp for each in answering):
        said = f"{said}, but the label says passive and {leads}: without a client certificate (`tls:`) nobody can tell"
        return Match(Condition.LISTENING_UNKNOWN, f"{said} whether a BBS serves there.")
    return Match(Condition.ACTIVE_NOT_LABELLED, f"{said} but is not labelled active, so {leads}.")


@row("5")
def service_broken(seen: Observation) -> Match | None:
    """A BBS serves; what leads to it is broken. Without an endpoint a headless Service has no address either."""
    answering = staying(seen.serving())
    if not answering or not service_fails(seen):
        return None
    found = no_endpoint(seen, answering)
    if found is not None:
        return Match(Condition.NETWORK_FAULT, *found)
    said = serves(answering, seen.sought.port)
    if service_reply(seen) is Reply.DNS:
        return Match(Condition.DNS_FAULT, f"{said}, but the Service's name {seen.sought.service} does not resolve.")
    return Match(Condition.NETWORK_FAULT, *unrouted(seen, answering))


@row("6")
def wrong_selector(seen: Observation) -> Match | None:
    """Only a whole and steady observation can say that none of the pods is the one that answers."""
    if seen.workloads == () and seen.pods == () and service_accepts(seen):
        said = f"The Service answers ({service_reply(seen)}), but {nothing_found(seen)}: namespace, selector or profile"
        return Match(Condition.OBSERVER_FAULT, f"{said} is wrong.", commands.labels(seen), Restart.NEVER)
    whole = isinstance(seen.pods, tuple) and seen.steady is True and not unprobed(seen)
    if not whole or replied(seen, Reply.OK) or service_reply(seen) is not Reply.OK:
        return None
    said = f"The Service answers, but no pod with {seen.sought.selector} (selector) does: the selector is wrong."
    return Match(Condition.OBSERVER_FAULT, said, commands.labels(seen), Restart.NEVER)


@row("7")
def migrating(seen: Observation) -> Match | None:
    """503 from a pod that is new: a restart would begin the migration again."""
    answering = [each for each in replied(seen, Reply.UNAVAILABLE) if migration_possible(seen, each)]
    if answering:
        said = f"503 from {names(answering)}: it may be migrating its database, and a restart would begin that again."
        return Match(Condition.MIGRATING, said, commands.migrations(seen, answering[0].pod))
    return None


@row("7b")
def stuck_unavailable(seen: Observation) -> Match | None:
    """503 from a pod that is not new: dead database connections are the likely cause.

    Just after the limit nobody is called to approve a restart: it may be an upgrade that takes longer than others.
    """
    answering = replied(seen, Reply.UNAVAILABLE)
    if not answering or migration_possible(seen, answering[0]):
        return None
    just = youngest(seen, answering[0]) < seen.patience.migrating * _JUST
    return Match(Condition.STUCK_UNAVAILABLE, *unavailable(seen, answering), Restart.NOT_YET if just else None)


@row("7c")
def certificate_refused(seen: Observation) -> Match | None:
    """Whoever listens does not want our certificate, which tells nothing of how it serves others."""
    refusing = replied(seen, Reply.CERTIFICATE_REFUSED)
    if not refusing:
        return None
    said = f"{names(refusing)} listens but refuses our client certificate ({details(refusing)}), and may serve others"
    return Match(Condition.OBSERVER_FAULT, f"{said}: renew the files in `tls:`.", restart=Restart.NEVER)


@row("8")
def tls_broken(seen: Observation) -> Match | None:
    """The handshake fails: the server's certificate, name or authority, or another protocol."""
    broken = replied(seen, Reply.TLS)
    return Match(Condition.TLS_BROKEN, f"TLS with {names(broken)} fails: {details(broken)}.") if broken else None


@row("8b")
def proxy_accepts(seen: Observation) -> Match | None:
    """A proxy in front of the BBS accepts for it, so that nobody can say whether it listens."""
    opaque = [each for each in seen.accepting() if not listens(each)]
    if not opaque:
        return None
    return Match(Condition.LISTENING_UNKNOWN, *behind_a_proxy(seen, opaque))


@row("9")
def frozen(seen: Observation) -> Match | None:
    """Somebody listens and does not answer, or answers as no BBS does."""
    silent = replied(seen, Reply.NO_REPLY, Reply.BAD_REPLY)
    if silent:
        said = f"{names(silent)} accepts connections but does not answer as a BBS does ({silent[0].reply})."
        return Match(Condition.FROZEN, said)
    return None


@row("10")
def unreadable(seen: Observation) -> Match | None:
    """Too little could be read to judge."""
    if why := unlisted(seen):
        return Match(Condition.OBSERVER_FAULT, why)
    if unprobed(seen):
        said = f"{names(unprobed(seen))} could not be probed: {reason(unprobed(seen)[0].probe)}"
        return Match(Condition.OBSERVER_FAULT, said)
    if not isinstance(seen.service, Probe):
        nothing = "" if seen.known_pods or seen.known_workloads else f", and {nothing_found(seen)}"
        return Match(Condition.OBSERVER_FAULT, f"The Service could not be probed{nothing}: {reason(seen.service)}")
    return None


@row("10b")
def no_owner(seen: Observation) -> Match | None:
    """Everything could be read, and only a person can say which StatefulSet it should be."""
    said = unowned(seen) if seen.workloads == () else no_locket(seen)
    return Match(Condition.OBSERVER_FAULT, said, commands.labels(seen), Restart.NEVER) if said else None


@row("11")
def scaled_down(seen: Observation) -> Match | None:
    """Somebody asked for no BBS at all."""
    return Match(Condition.SCALED_DOWN, "The StatefulSet asks for 0 replicas.") if seen.desired == 0 else None


@row("12")
def terminating(seen: Observation) -> Match | None:
    """Pods are leaving: a roll-out, a drain, or one that can not end."""
    going = [each.pod for each in seen.known_pods if each.pod.terminating]
    late = next((pod for pod in going if overdue(seen, pod)), None)
    if late is not None:
        return Match(Condition.TERMINATING_STUCK, *stuck(seen, late))
    if going:
        lost = node_down(seen) if any(pod.node_lost for pod in going) else None
        return lost or Match(Condition.ROLLING_OUT, f"{each_described(going)}.")
    if len(seen.known_pods) > seen.desired:
        return Match(Condition.ROLLING_OUT, *too_many(seen))
    return None


@row("13")
def rolling_out(seen: Observation) -> Match | None:
    """The StatefulSet's `currentRevision` is not asked: it can lag for ever (kubernetes #73492)."""
    pods = [each.pod for each in seen.known_pods]
    for workload in seen.known_workloads:
        if changing(workload, pods):
            return Match(Condition.ROLLING_OUT, *rolled(seen, workload, pods))
    return None


@row("14")
def database_down(seen: Observation) -> Match | None:
    """The configured check of the database fails."""
    return Match(Condition.DATABASE_DOWN, "The database can't be reached.") if seen.database is False else None


@row("15")
def node_down(seen: Observation) -> Match | None:
    """The node controller marks the pods of a lost node, so nodes need not be read."""
    found = lost_node(seen)
    return Match(Condition.NODE_DOWN, *found) if found else None


@row("16")
def crash_looping(seen: Observation) -> Match | None:
    """A container that is needed starts again and again, or its image can not be had. No sidecar is needed."""
    own = seen.locket.pods if isinstance(seen.locket, Locket) else ()
    found = first_loop(seen, [*(each.pod for each in seen.known_pods), *own])
    return Match(Condition.CRASH_LOOPING, *found) if found else None


@row("17")
def starting(seen: Observation) -> Match | None:
    """Pods that are missing only wait for one that is Pending (OrderedReady), whose age then decides."""
    pods = [each.pod for each in seen.known_pods]
    waiting = [pod for pod in pods if pending(pod, seen.bbs_containers(pod))]
    ended = [pod for pod in pods if pod.ended]
    new = [pod for pod in pods if pod not in (*waiting, *ended) and young(seen, pod, seen.bbs_containers(pod))]
    if new:
        return Match(Condition.STARTING, f"{named(new)} started less than {in_words(seen.patience.starting)} ago.")
    if waiting and all(waiting_for(seen, pod) < seen.patience.pending for pod in waiting):
        return Match(Condition.STARTING, f"Not started yet: {each_described(waiting)}.")
    if ended and all(waiting_for(seen, pod) < seen.patience.starting for pod in ended):
        return Match(Condition.STARTING, f"To be replaced: {each_described(ended)}.")
    if missing_count(seen) and not waiting and age(seen, seen.missing_since) < seen.patience.pending:
        return Match(Condition.STARTING, f"{missing_count(seen)} of {seen.desired} pods are missing.")
    return None


@row("18")
def not_running(seen: Observation) -> Match | None:
    """What has not lasted that long was row 17. Whether a container that runs is ready is not asked."""
    pods = [each.pod for each in seen.known_pods]
    ended = [pod for pod in pods if pod.ended]
    if ended:
        since = seen.taken_at - waiting_for(seen, ended[0])
        said = f"{each_described(ended)}, since {since:%Y-%m-%d %H:%M} UTC, and is not replaced."
        return Match(Condition.PODS_NOT_READY, said, commands.describe(seen, ended[0]))
    longest = in_words(seen.patience.pending)
    waiting = [pod for pod in pods if pending(pod, seen.bbs_containers(pod))]
    late = [pod for pod in waiting if waiting_for(seen, pod) >= seen.patience.pending]
    if late:
        said = f"Pending for more than {longest}: {each_described(late)}."
        return Match(Condition.PODS_NOT_READY, said, commands.describe(seen, late[0]))
    if missing_count(seen):
        said = f"{missing_count(seen)} of {seen.desired} pods have been missing for more than {longest}."
        return Match(Condition.PODS_NOT_READY, said, commands.describe_set(seen, seen.known_workloads[0].name))
    for pod in pods:
        if not seen.bbs_runs(pod):
            said = f"The BBS container of {pod.name} does not run: {described(pod)}."
            return Match(Condition.PODS_NOT_READY, said, commands.describe(seen, pod))
    return None


@row("19")
def locket_down(seen: Observation) -> Match | None:
    """Locket stands alone and is not whole. One that is changed, moved or started has the BBS pods' own limits."""
    if not isinstance(seen.locket, Locket) or seen.locket.all_ready:
        return None
    settles = locket_settles(seen, seen.locket)
    return Match(Condition.LOCKET_DOWN, *not_whole(seen, seen.locket), Restart.NOT_YET if settles else None)


@row("20")
def unreachable(seen: Observation) -> Match | None:
    """No answer from a pod, though a control answers: the path to that pod is broken. A refusal is a control too."""
    silent, refusing = replied(seen, Reply.TIMEOUT), replied(seen, Reply.REFUSED)
    control = f"{names(refusing)} can (it refuses)" if refusing else f"{seen.control} can"
    if silent and (refusing or (isinstance(seen.control, str) and seen.control)):
        said = f"{names(silent)} can't be reached on port {seen.sought.port}, though {control}."
        return Match(Condition.NETWORK_FAULT, said)
    return None


@row("21")
def nothing_reachable(seen: Observation) -> Match | None:
    """No answer from a pod, and no control that answers: the fault may be ours."""
    silent = replied(seen, Reply.TIMEOUT)
    if not silent:
        return None
    others = "neither can anything else that we tried"
    if seen.control != "":
        others = "nothing else was tried that could tell whose fault that is"
    return Match(Condition.OBSERVER_FAULT, f"{names(silent)} can't be reached, and {others}.")


@row("22")
def cloud_controller_down(seen: Observation) -> Match | None:
    """Nobody listens, and the Cloud Controller is down as well."""
    if all_refused(seen) and no_cloud_controller(seen):
        said = "Nobody listens, and no Cloud Controller pod is Ready either: this is a wider fault."
        return Match(Condition.CLOUD_CONTROLLER_DOWN, said)
    return None


@row("23")
def label_contradicts(seen: Observation) -> Match | None:
    """The readiness probe of a pod says that it serves; ours is refused."""
    claiming = [each for each in seen.known_pods if each.counts_as_active]
    if all_refused(seen) and claiming:
        said = f"Ready and labelled active, but refusing our connection: {names(claiming)}."
        return Match(Condition.LABEL_CONTRADICTS, said)
    return None


@row("24")
def no_witness(seen: Observation) -> Match | None:
    """Where no label could contradict us, a refusal may be a firewall's: something must show that our path is open."""
    if not all_refused(seen) or any(each.labelled_active is not None for each in seen.known_pods):
        return None
    if isinstance(seen.witness, str) and seen.witness:
        return None
    said = f"Every pod refuses connections on {seen.sought.port}, but a firewall that rejects us looks the same: this"
    said = f"{said} platform sets no active label, no BBS has been seen serving since this process started, and port"
    restart = Restart.NOT_YET if isinstance(seen.witness, Unknown) else Restart.NEVER
    return Match(Condition.OBSERVER_FAULT, f"{said} {HEALTH_PORT} of no pod accepts.", restart=restart)


@row("25")
def no_active_bbs(seen: Observation) -> Match | None:
    """Row 25, the one that a restart cures. Whatever could not be read might speak against it."""
    nobody = all_refused(seen) and not service_accepts(seen) and isinstance(seen.service, Probe)
    if nobody and len(seen.known_pods) == seen.desired >= 1 and seen.steady is True and not unread(seen):
        said = f"{every_pod(seen, 'refuse')} connections on {seen.sought.port}: no active BBS."
        return Match(Condition.NO_ACTIVE_BBS, said)
    return None


@row("26")
def anything_else(seen: Observation) -> Match:
    """What no other row says. Where everything could be read, it is a person's to understand."""
    if all_refused(seen) and service_accepts(seen):
        said = f"Every pod refuses, but something behind the Service listens ({service_reply(seen)})."
        return Match(Condition.OBSERVER_FAULT, said, commands.labels(seen), Restart.NEVER)
    if unread(seen):
        return Match(Condition.OBSERVER_FAULT, f"Not everything could be read: {' '.join(unread(seen))}")
    return Match(Condition.OBSERVER_FAULT, "What was seen fits no known state.", restart=Restart.NEVER)
