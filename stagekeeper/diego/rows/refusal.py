"""Rows 20 to 26: nobody listens, and the question is why. Pure."""

from stagekeeper.diego.observation import Observation, ReadyPods, Reply, Unknown
from stagekeeper.diego.rows.questions import all_refused, names, replied, service_reply
from stagekeeper.diego.verdicts import Name


def unreachable(look: Observation) -> tuple[Name, str] | None:
    """Row 20."""
    silent = replied(look, Reply.TIMEOUT)
    if silent and isinstance(look.control, str) and look.control:
        return Name.NETWORK_FAULT, f"{names(silent)} can't be reached on the BBS port, though {look.control} can."
    return None


def nothing_reachable(look: Observation) -> tuple[Name, str] | None:
    """Row 21."""
    silent = replied(look, Reply.TIMEOUT)
    if not silent:
        return None
    if look.control == "":
        return Name.OBSERVER_FAULT, f"{names(silent)} can't be reached, and neither can anything else that we tried."
    why = f"{names(silent)} can't be reached, and nothing else was tried that could tell whose fault that is."
    return Name.OBSERVER_FAULT, why


def cloud_controller_down(look: Observation) -> tuple[Name, str] | None:
    """Row 22."""
    if all_refused(look) and isinstance(look.cloud_controller, ReadyPods) and look.cloud_controller.ready == 0:
        why = "Nobody listens, and no Cloud Controller pod is Ready either: this is a wider fault."
        return Name.CLOUD_CONTROLLER_DOWN, why
    return None


def label_contradicts(look: Observation) -> tuple[Name, str] | None:
    """Row 23."""
    claiming = [each for each in look.known_pods if each.counts_as_active]
    if all_refused(look) and claiming:
        return Name.LABEL_CONTRADICTS, f"Labelled as serving, but refusing our connection: {names(claiming)}."
    return None


def not_ready(look: Observation) -> tuple[Name, str] | None:
    """Row 24."""
    unready = [each for each in look.known_pods if not look.bbs_ready(each.pod)]
    if all_refused(look) and unready and look.passive_is_ready:
        return Name.PODS_NOT_READY, f"The BBS container is not ready in {names(unready)}."
    return None


def no_active_bbs(look: Observation) -> tuple[Name, str] | None:
    """Row 25, the one that a restart cures. Whatever could not be read might speak against it."""
    nobody = all_refused(look) and not _service_accepts(look)
    if nobody and len(look.known_pods) == look.desired >= 1 and look.steady is True and not _unread(look):
        return Name.NO_ACTIVE_BBS, "Every pod runs and refuses: nobody holds the lock and listens."
    return None


def anything_else(look: Observation) -> tuple[Name, str]:
    """Row 26."""
    if all_refused(look) and _service_accepts(look):
        why = f"Every pod refuses, but something behind the Service listens ({service_reply(look)})."
        return Name.OBSERVER_FAULT, why
    return Name.OBSERVER_FAULT, " ".join(("What was seen fits no known state.", *_unread(look)))


def _service_accepts(look: Observation) -> bool:
    """Whether somebody listens behind the Service, perhaps a pod that we do not look at."""
    reply = service_reply(look)
    return reply is None or reply.accepted


def _unread(look: Observation) -> list[str]:
    """Why parts that could speak against a restart are not known."""
    return [part.reason for part in (look.database, look.locket, look.cloud_controller) if isinstance(part, Unknown)]
