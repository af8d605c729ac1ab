"""The faults that the demo can cause, and what is right to happen after each."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

from simulator.environment import Environment
from simulator.layouts import CFEE_2, CFEE_4, KUBECF, Layout

Cause = Callable[[Environment], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, and how the story must end."""

    title: str
    cause: Cause
    moral: str
    """Why it was right, in one sentence."""
    phase: str | None
    """Phase in which the remediation must end; None: no remediation may be opened."""
    reason: str = ""
    """The end's reason; "" for any."""
    deletes: frozenset[str] = frozenset()
    """StatefulSets whose pods, all of them, must be restarted; none of any other may be."""
    layout: Layout = CFEE_2
    alert: str = "StagerUnavailable"
    """The alert that tells people; "" where none may."""
    serves_at_end: bool = True
    accept: str = ""
    """The diagnosis that a person accepts, by `stagekeeper restart`, once the remediation is escalated; "" for none."""


SCENARIOS: Mapping[str, Scenario] = {
    "hang": Scenario(
        "The database connection is cut for a while; afterwards every BBS hangs in its first Lock() for ever.",
        lambda environment: environment.faults.hang(),
        moral="the pods were restarted once, and the stager is back.",
        phase="Recovered",
        deletes=frozenset({"diego-api"}),
    ),
    "failover": Scenario(
        "The active BBS dies, and the passive one takes over: nothing may be restarted.",
        lambda environment: environment.faults.failover(),
        moral="it healed by itself, as it does every day; nothing was restarted and nobody was woken.",
        phase=None,
        alert="",
    ),
    "migrating": Scenario(
        "A BBS starts anew and migrates its database for 20 s, answering 503: a restart would begin it again.",
        lambda environment: environment.faults.migrating(20),
        moral="the migration was waited for, and the BBS serves; nothing was restarted.",
        phase="SelfHealed",
    ),
    "unavailable": Scenario(
        "Database connections die in silence; the BBS that takes the lock answers 503 for ever: a person must decide.",
        lambda environment: environment.faults.unavailable(),
        moral="nothing was restarted before a person accepted it; then the pods were, once, and the stager is back.",
        phase="Recovered",
        deletes=frozenset({"diego-api"}),
        accept="stuck_unavailable",
    ),
    "certificate": Scenario(
        "The certificate of the BBS expires: no restart mends that.",
        lambda environment: environment.faults.certificate(),
        moral="the certificate's own alert called a person, and inhibits StagerUnavailable; nothing was restarted.",
        phase=None,
        alert="StagerCertificateExpired",
        serves_at_end=False,
    ),
    "database": Scenario(
        "The database is down, so every BBS crash-loops (KubeCF): a restart would only take the last waiting pod away.",
        lambda environment: environment.faults.database(),
        moral="a person was called; nothing was restarted while the database is down.",
        phase="Escalated",
        reason="RestartIsNoCure",
        layout=KUBECF,
        serves_at_end=False,
    ),
    "split-brain": Scenario(
        "Two BBS serve at once: people are called, nothing is restarted.",
        lambda environment: environment.faults.split_brain(),
        moral="a person was called; nothing was restarted while somebody serves.",
        phase=None,
        alert="StagerSplitBrain",
    ),
    "locket": Scenario(
        "Locket has a StatefulSet of its own, and every database connection dies, its own and those of the BBS.",
        # Long enough for the BBS that loses the lock to start anew while the database can't be reached.
        lambda environment: environment.faults.hang(cut=8),
        moral="Locket and the BBS were restarted together, once, and the stager is back.",
        phase="Recovered",
        deletes=frozenset({"locket", "diego-api"}),
        layout=CFEE_4,
    ),
}
