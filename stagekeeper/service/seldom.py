"""A log line for what anybody can make happen as often as he likes: at most one a minute, with the count since."""

import logging
import time
from traceback import walk_tb
from typing import Any

import structlog

_EVERY = 60.0
"""Seconds between two lines."""


class Seldom:
    """Logs always the same sentence."""

    def __init__(self, log: structlog.stdlib.BoundLogger, sentence: str, level: int = logging.WARNING) -> None:
        self._log = log
        self._sentence = sentence
        self._level = level
        self._times = 0
        self._quiet_until = 0.0

    def __call__(self, **fields: Any) -> None:
        """It happened again; `fields` say with whom, of the one time that is logged."""
        self._times += 1
        now = time.monotonic()
        if now < self._quiet_until:
            return
        self._log.log(self._level, self._sentence, times=self._times, **fields)
        self._times = 0
        self._quiet_until = now + _EVERY


class Faults:
    """Logs unexpected errors with their traceback, those of one place in the code at most once a minute."""

    def __init__(self, log: structlog.stdlib.BoundLogger, sentence: str) -> None:
        self._log = log
        self._sentence = sentence
        self._places: dict[object, Seldom] = {}  # as many as the code has places

    def __call__(self, fault: BaseException, **fields: Any) -> None:
        """It happened; `fields` say with whom."""
        frames = list(walk_tb(fault.__traceback__))
        place = (type(fault), *((frame.f_code.co_filename, line) for frame, line in frames[-1:]))
        if place not in self._places:
            self._places[place] = Seldom(self._log, self._sentence, logging.ERROR)
        self._places[place](exc_info=fault, **fields)
