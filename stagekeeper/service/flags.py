"""The command line that our long-running programs share, in Prometheus' style."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import structlog

from stagekeeper.config.errors import ProgramError
from stagekeeper.late_import import imported
from stagekeeper.service import logs, options
from stagekeeper.service.address import ListenAddress, parse_listen_address
from stagekeeper.service.build import build
from stagekeeper.service.run import Program, main, report
from stagekeeper.service.runtime import Runtime

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_EXIT_CODES = """
Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line."""

    config_file: Path | None
    listen: Sequence[ListenAddress]
    web_config: Path | None
    kubeconfig: Path | None
    context: str | None
    lifecycle: bool = False


Start = Callable[[Runtime, Flags], Awaitable[None]]
Option = Callable[[Any], Any]


def program(name: str, port: int, start: str, about: str, *more: Option, file: str) -> click.Command:
    """The click command of a program: it takes the flags and runs `start` until a signal.

    `start` is the `module:attribute` of a `Start`, imported when it is needed: `--help` needs none of it. `about` is
    what the program does, in a sentence or two, `file` what its configuration is; `more` are flags of its own.

    Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong.
    """

    def run(listen: tuple[str, ...], level: logs.Level, log_format: logs.Format, **given: Any) -> None:
        logs.configure(level, log_format)
        _say_what_starts(name, given["config_file"], given["web_config"])
        try:
            flags = Flags(listen=[parse_listen_address(each) for each in listen], **given)
        except ProgramError as problem:
            sys.exit(report(name, problem))
        begin: Start = imported(start)
        sys.exit(main(Program(name, lambda runtime: begin(runtime, flags))))

    return click.command(name, help=f"{about}\n{_EXIT_CODES}", context_settings={"show_default": True})(
        options.with_options(run, *_options(name, port, file, *more))
    )


def _say_what_starts(name: str, config_file: Path | None, web_config: Path | None) -> None:
    running = build()
    _log.info(
        "Starting.",
        program=name,
        version=running.version,
        revision=running.revision,
        python=running.python,
        config_file=str(config_file) if config_file else "none: the defaults",
        web_config_file=str(web_config) if web_config else "none",
    )


def _options(name: str, port: int, file: str, *more: Option) -> Sequence[Option]:
    return (
        options.config_file(file),
        click.option(
            "--web.listen-address",
            "listen",
            multiple=True,
            default=(f":{port}",),
            help="Where to listen; may be repeated.",
        ),
        click.option(
            "--web.config.file",
            "web_config",
            cls=options.Given,
            type=options.FILE,
            help="TLS and basic auth, in the exporter-toolkit's format.",
        ),
        *more,
        click.option("--log.level", "level", type=click.Choice(logs.LEVELS), default="info"),
        click.option("--log.format", "log_format", type=click.Choice(logs.FORMATS), default="logfmt"),
        options.KUBECONFIG,
        options.CONTEXT,
        options.version(name),
    )
