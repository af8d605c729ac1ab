"""The command line that our long-running programs share, in Prometheus' style."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from stagekeeper.late_import import imported
from stagekeeper.service import logs
from stagekeeper.service.address import ListenAddress, parse_listen_address
from stagekeeper.service.problems import ServiceProblem
from stagekeeper.service.run import Program, main, report
from stagekeeper.service.runtime import Runtime

_FILE = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line."""

    config_file: Path | None
    listen: Sequence[ListenAddress]
    web_config: Path | None
    lifecycle: bool
    kubeconfig: Path | None
    context: str | None


Start = Callable[[Runtime, Flags], Awaitable[None]]


def program(name: str, port: int, start: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a click command of a function that has only a docstring: it takes the flags and runs `start` until a signal.

    `start` is the `module:attribute` of a `Start`, imported when it is needed: `--help` needs none of it.

    Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong.
    """

    def wrap(described: Callable[..., None]) -> click.Command:
        @wraps(described)
        def run(listen: tuple[str, ...], level: logs.Level, log_format: logs.Format, **given: Any) -> int:
            logs.configure(level, log_format)
            try:
                flags = Flags(listen=[parse_listen_address(each) for each in listen], **given)
            except ServiceProblem as problem:
                return report(name, problem)
            begin: Start = imported(start)
            return main(Program(name, lambda runtime: begin(runtime, flags)))

        return click.command(name, context_settings={"show_default": True})(_options(port)(_exit_with(run)))

    return wrap


def _exit_with(run: Callable[..., int]) -> Callable[..., None]:
    @wraps(run)
    def ended(**given: Any) -> None:
        raise SystemExit(run(**given))

    return ended


def _options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    options = (
        click.option(
            "--config.file",
            "config_file",
            type=_FILE,
            help="Environments and settings, as YAML. Without one: the tutorial's, which is enough for the exporter.",
        ),
        click.option(
            "--web.listen-address",
            "listen",
            multiple=True,
            default=(f":{port}",),
            help="Where to listen; may be repeated.",
        ),
        click.option(
            "--web.config.file", "web_config", type=_FILE, help="TLS and basic auth, in the exporter-toolkit's format."
        ),
        click.option("--web.enable-lifecycle", "lifecycle", is_flag=True, help="Allow POST /-/reload."),
        click.option("--log.level", "level", type=click.Choice(logs.LEVELS), default="info"),
        click.option("--log.format", "log_format", type=click.Choice(logs.FORMATS), default="logfmt"),
        click.option(
            "--kubeconfig", type=_FILE, help="Default: the pod's ServiceAccount, else $KUBECONFIG or ~/.kube/config."
        ),
        click.option("--context", help="Context of the kubeconfig. Default: its current one."),
    )

    def apply(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return apply
