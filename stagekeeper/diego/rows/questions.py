"""What several rows ask of a look. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta

from stagekeeper.diego.observation import BbsPod, Observation, Probe, Reply

_NAMED = 3


def replied(look: Observation, *replies: Reply) -> list[BbsPod]:
    """The pods whose own port gave one of these replies."""
    return [each for each in look.known_pods if each.reply in replies]


def all_refused(look: Observation) -> bool:
    """Whether there are pods, and every one of them was asked and refused."""
    return bool(look.known_pods) and all(each.reply is Reply.REFUSED for each in look.known_pods)


def unprobed(look: Observation) -> list[BbsPod]:
    """The pods that have an address and could not be asked."""
    return [each for each in look.known_pods if each.pod.ip and not isinstance(each.probe, Probe)]


def service_reply(look: Observation) -> Reply | None:
    """What the Service's probe met; None where there was none."""
    return look.service.reply if isinstance(look.service, Probe) else None


def names(pods: Collection[BbsPod]) -> str:
    """Pods as a sentence names them: the first three, and how many more."""
    found = [each.pod.name for each in pods]
    if len(found) > _NAMED:
        return f"{', '.join(found[:_NAMED])} and {len(found) - _NAMED} more"
    return " and ".join(found)


def age(look: Observation, since: datetime | None) -> timedelta:
    """How long ago that was. An unknown moment counts as now: whatever is not known to be old may be new."""
    return look.taken_at - since if since is not None else timedelta(0)


def youngest(look: Observation, each: BbsPod) -> timedelta:
    """Age of the pod or of its BBS container's present run, whichever is less."""
    running = [container.started_at for container in look.bbs_containers(each.pod) if container.started_at is not None]
    return min(age(look, moment) for moment in (each.pod.created, *running))


def migration_possible(look: Observation) -> bool:
    """Whether anything is new: a young pod, a young BBS container, or pods of different revisions."""
    revisions = {each.pod.revision for each in look.known_pods}
    return len(revisions) > 1 or any(youngest(look, each) < look.patience.migrating for each in look.known_pods)
