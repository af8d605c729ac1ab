"""A log line for what anybody can make happen as often as he likes: at most one a minute, with the count since."""

import time
from typing import Any

import structlog

_EVERY = 60.0
"""Seconds between two lines."""


class Seldom:
    """Warns with always the same sentence."""

    def __init__(self, log: structlog.stdlib.BoundLogger, sentence: str) -> None:
        self._log = log
        self._sentence = sentence
        self._times = 0
        self._quiet_until = 0.0

    def __call__(self, **fields: Any) -> None:
        """It happened again; `fields` say with whom, of the one time that is logged."""
        self._times += 1
        now = time.monotonic()
        if now < self._quiet_until:
            return
        self._log.warning(self._sentence, times=self._times, **fields)
        self._times = 0
        self._quiet_until = now + _EVERY
