"""The moments of a restart, as the messages that pass a door: where a remediator can be held."""

from tests.crashes.door import Door, Message


def plan_is_written(message: Message) -> bool:
    """The answer to the swap that writes the plan."""
    return message.accepted and message.recorded.get("phase") == "Restarting" and not message.recorded["deletions"]


def plan_is_asked_for(message: Message) -> bool:
    """That swap itself, on its way in."""
    return message.status is None and message.recorded.get("phase") == "Restarting"


def deletion_is_noted(message: Message) -> bool:
    """The answer to the swap that notes the first deletion."""
    return (
        message.accepted and message.recorded.get("phase") == "Restarting" and len(message.recorded["deletions"]) == 1
    )


def verifies(message: Message) -> bool:
    """The answer to the swap into Verifying."""
    return message.accepted and message.recorded.get("phase") == "Verifying"


def pod_is_deleted(number: int, opened: Door, message: Message) -> bool:
    """The answer to the first, second ... deletion that was accepted."""
    return message.deletes_pod and message.accepted and sum(each.accepted for each in opened.deletions()) == number


def asks_for_pause(message: Message) -> bool:
    """The question whether somebody has paused the remediator."""
    return message.method == "GET" and message.path.endswith("/configmaps/stagekeeper-pause")


def delete_is_next(opened: Door, message: Message) -> bool:
    """The answer to the last question before the first deletion."""
    return (
        message.status is not None
        and asks_for_pause(message)
        and any(plan_is_written(each) for each in opened.messages)
    )
