"""Logs: one line per record, logfmt or JSON, ours and the warnings of libraries alike, on stderr.

A record is a fixed event and fields: `_log.warning("A delete was refused.", pod=name, reason=str(problem))`. What
changes is never in the event, so that a log store can count and filter by it; a sentence about it is a field: `reason`
says why. Fields that several records have are named alike: `environment`, `pod`, `part`, `program`, `path`, `peer`.
What only somebody at work on the program wants to know is debug.

Three promises: a log that can't be written (disk full, pipe closed or not read) neither ends nor blocks a program; what
looks like a credential is not written; and a text from outside can neither begin a line nor command a terminal.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, get_args

import structlog
from structlog.types import EventDict, Processor

from stagekeeper.service.log_output import LogOutput
from stagekeeper.visible import visible

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["logfmt", "json"]
LEVELS: tuple[Level, ...] = get_args(Level)
FORMATS: tuple[Format, ...] = get_args(Format)

_HIDDEN = "[hidden]"
_SECRET_KEY = re.compile(r"authorization|token|passw(or)?d|secret|cookie|api_?key", re.IGNORECASE)
# A credential has a digit, a capital or a sign in it: "basic authentication" in a sentence has none.
_SECRET_TEXT = re.compile(
    r"\b(?P<scheme>(?i:bearer|basic))\s+(?=[a-z]*[0-9A-Z_.~+/=-])[\w.~+/=-]{6,}|\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*"
)
_ORDER = ("ts", "level", "msg", "logger")


def configure(level: Level = "info", fmt: Format = "logfmt", stream: TextIO | None = None) -> LogOutput:
    """Have every record of this process written to `stream` (default: stderr), which counts what it lost.

    To be called once, at the start of a program; afterwards everybody uses `structlog.get_logger(__name__)`.
    """
    output = LogOutput(sys.stderr if stream is None else stream)
    handler = _Handler(output)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_common(), processors=_final(fmt)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("aiohttp.access").disabled = True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return output


def write_past_all_locks(event: str, **fields: Any) -> None:
    """Write an error for a process that is about to be ended by force: whoever hangs may hold the logging's locks."""
    record = _record(logging.ERROR, event, fields)
    with suppress(Exception):
        handler = next((each for each in logging.getLogger().handlers if isinstance(each, _Handler)), None)
        line = f"{event} {fields}" if handler is None else handler.format(record)
        os.write(2, f"{line}\n".encode("utf-8", "backslashreplace"))


def _record(level: int, event: str, fields: Mapping[str, Any]) -> logging.LogRecord:
    """A record as structlog hands it to the handler."""
    ready = {**fields, "event": event, "level": logging.getLevelName(level).lower(), "logger": __name__}
    record = logging.LogRecord(__name__, level, __file__, 0, _add_time(None, "", ready), None, None)
    record._logger, record._name = None, ""  # noqa: SLF001 -- by these ProcessorFormatter knows its own
    return record


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _add_time,
    ]


def _final(fmt: Format) -> list[Processor]:
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        if fmt == "json"
        else structlog.processors.LogfmtRenderer(bool_as_flag=False)
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("msg"),
        _clean,
        _in_order,
        renderer,
    ]


def _add_time(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add `ts`: RFC 3339, UTC, milliseconds."""
    event["ts"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _clean(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Without credentials, and with what would be obeyed instead of shown written as its escape."""
    return {_key(key): _HIDDEN if _SECRET_KEY.search(key) else _cleaned(value) for key, value in event.items()}


def _cleaned(value: Any) -> Any:
    """`value` through mappings and lists; other objects become their text. The renderers see to line breaks."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, MutableMapping):
        return {visible(str(k)): _HIDDEN if _SECRET_KEY.search(str(k)) else _cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item) for item in value]
    return visible(_SECRET_TEXT.sub(_hide, str(value)), keep="\n")


def _in_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """What every record has comes first."""
    first = {key: event[key] for key in _ORDER if key in event}
    return {**first, **{key: value for key, value in event.items() if key not in first}}


def _key(key: str) -> str:
    """A key as logfmt can hold it."""
    return re.sub(r"[\s=\"]+", "_", visible(key))


def _hide(found: re.Match[str]) -> str:
    return f"{found['scheme']} {_HIDDEN}" if found["scheme"] else _HIDDEN


class _Handler(logging.Handler):
    """Hands each line to the output. A record that can't be rendered is counted as lost, like one not written.

    Of libraries only warnings are heard: what they do is no business of whoever reads our logs.
    """

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self._output = output
        self._reported = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is ours, which structlog hands over as a mapping, or at least a warning."""
        return isinstance(record.msg, dict) or record.levelno >= logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; after the first that can be written again, how many were lost."""
        lost = self._output.lost - self._reported
        if self._write(record) and lost:
            self._reported += lost
            self._write(_record(logging.WARNING, "Log lines were lost.", {"lines": lost}))

    def _write(self, record: logging.LogRecord) -> bool:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 -- a log record must never be what ends a program
            self._output.lost += 1
            return False
        return self._output.write_line(line)
