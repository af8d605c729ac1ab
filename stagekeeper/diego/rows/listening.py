"""Rows 2 to 9: somebody listens. Whoever listens holds the lock, so a restart cures none of these by itself. Pure."""

from stagekeeper.diego.observation import Observation, Probe, Reply
from stagekeeper.diego.rows.questions import migration_possible, names, replied, service_reply, unprobed
from stagekeeper.diego.verdicts import Name


def split_brain(look: Observation) -> tuple[Name, str] | None:
    """Row 2. A pod that is Terminating may still listen while the next one begins to."""
    listening = [each for each in look.accepting() if not each.pod.terminating]
    if len(listening) > 1:
        return Name.SPLIT_BRAIN, f"{names(listening)} listen at once, but only one may hold the lock."
    return None


def serving(look: Observation) -> tuple[Name, str] | None:
    """Row 3."""
    if look.serving() and service_reply(look) is Reply.OK:
        return Name.SERVING, f"{names(look.serving())} serves, and the Service leads to it."
    return None


def active_not_labelled(look: Observation) -> tuple[Name, str] | None:
    """Row 4. Not where the platform never sets the label."""
    answering = look.serving()
    if answering and _service_fails(look) and all(each.labelled_active is False for each in answering):
        why = f"{names(answering)} serves but is not labelled active, so the Service has no endpoint."
        return Name.ACTIVE_NOT_LABELLED, why
    return None


def service_broken(look: Observation) -> tuple[Name, str] | None:
    """Row 5."""
    if not look.serving() or not _service_fails(look):
        return None
    if service_reply(look) is Reply.DNS:
        return Name.DNS_FAULT, f"{names(look.serving())} serves, but the Service's name does not resolve."
    why = f"{names(look.serving())} serves, but the Service does not lead to it ({service_reply(look)})."
    return Name.NETWORK_FAULT, why


def wrong_selector(look: Observation) -> tuple[Name, str] | None:
    """Row 6. Only a whole and steady look can say that none of the pods is the one that answers."""
    whole = isinstance(look.pods, tuple) and look.steady is True and not unprobed(look)
    if whole and not look.serving() and service_reply(look) is Reply.OK:
        return Name.OBSERVER_FAULT, "The Service answers, but no pod that we look at does: the selector is wrong."
    return None


def migrating(look: Observation) -> tuple[Name, str] | None:
    """Row 7."""
    answering = replied(look, Reply.UNAVAILABLE)
    if answering and migration_possible(look):
        why = f"503 from {names(answering)}: it may be migrating its database, and a restart would begin that again."
        return Name.MIGRATING, why
    return None


def stuck_unavailable(look: Observation) -> tuple[Name, str] | None:
    """Row 7b."""
    answering = replied(look, Reply.UNAVAILABLE)
    if answering and not migration_possible(look):
        return Name.STUCK_UNAVAILABLE, (
            f"503 from {names(answering)}, which holds the lock though nothing is new here: its database connections "
            "are probably dead, and a restart is the likely cure."
        )
    return None


def tls_broken(look: Observation) -> tuple[Name, str] | None:
    """Row 8."""
    broken = replied(look, Reply.TLS)
    if not broken:
        return None
    probes = [each.probe for each in broken if isinstance(each.probe, Probe)]
    why = "; ".join(dict.fromkeys(_handshake(probe) for probe in probes))
    return Name.TLS_BROKEN, f"TLS with {names(broken)} fails: {why}."


def frozen(look: Observation) -> tuple[Name, str] | None:
    """Row 9."""
    silent = replied(look, Reply.NO_REPLY, Reply.BAD_REPLY)
    if silent:
        why = f"{names(silent)} accepts connections but does not answer as a BBS does ({silent[0].reply})."
        return Name.FROZEN, why
    return None


def _service_fails(look: Observation) -> bool:
    return isinstance(look.service, Probe) and look.service.reply is not Reply.OK


def _handshake(probe: Probe) -> str:
    """Why a handshake failed, with the date that whoever is woken wants to know."""
    ends = f", certificate ends {probe.certificate_ends:%Y-%m-%d}" if probe.certificate_ends else ""
    return f"{probe.detail or 'no detail'}{ends}"
