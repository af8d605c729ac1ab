"""The old names of `stagekeeper.config.durations`, until nobody uses them any more. Pure."""

from typing import Any

from stagekeeper.config.durations import in_words as spell
from stagekeeper.config.durations import parse

__all__ = ["seconds", "spell"]


def seconds(value: Any) -> float:
    """A duration in seconds."""
    return parse(value).total_seconds()
