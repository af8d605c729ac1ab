"""Logs: one line per record, logfmt or JSON, ours and those of libraries alike, on stderr.

Three promises: a log that can't be written (disk full, pipe closed or not read) neither ends nor blocks a program; what
looks like a credential is not written; and a text from outside can neither begin a line nor command a terminal.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
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
_ORDER = ["ts", "level", "logger", "msg"]


def configure(level: Level = "info", fmt: Format = "logfmt", stream: TextIO | None = None) -> LogOutput:
    """Send every log record of this process to `stream` (default: stderr); return it, which counts what it lost.

    Call it once, at the start of a program, or again after a reload. Afterwards use `structlog.get_logger(__name__)`.
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
        else structlog.processors.LogfmtRenderer(key_order=_ORDER, drop_missing=True, bool_as_flag=False)
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("msg"),
        _clean,
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
    return visible(_SECRET_TEXT.sub(_hide, str(value)), keep="\n\t")


def _key(key: str) -> str:
    """A key as logfmt can hold it."""
    return re.sub(r"[\s=\"]+", "_", visible(key))


def _hide(found: re.Match[str]) -> str:
    return f"{found['scheme']} {_HIDDEN}" if found["scheme"] else _HIDDEN


class _Handler(logging.Handler):
    """Hands each line to the output. A record that cannot be rendered is counted as lost, like one not written."""

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a log record must never be what ends a program
            self._output.lost += 1
        else:
            self._output.write_line(line)
