"""Options that the programs and the commands share. Nothing heavy is imported here: `--help` must be quick."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from stagekeeper.config.durations import parse, spell
from stagekeeper.service.build import build

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG_VARIABLE = "STAGEKEEPER_CONFIG"
CONFIG_FILE = Path("/etc/stagekeeper/stagekeeper.yaml")
FILE = click.Path(path_type=Path)


class DurationType(click.ParamType[timedelta]):
    """A flag that is a duration: `3600`, `90s`, `2m`, `1h30m`."""

    name = "duration"

    def __init__(self, least: timedelta | None = None, most: timedelta | None = None) -> None:
        """Without `least` it must be longer than nothing."""
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The timedelta; a usage error where it is none, or not longer than nothing."""
        try:
            duration = parse(value)
        except ValueError as problem:
            self.fail(f"{value!r} {problem}.", param, ctx)
        if duration <= timedelta(0):
            self.fail(f"{value!r} must be longer than nothing.", param, ctx)
        if self._least is not None and duration < self._least:
            self.fail(f"{value!r} must be at least {spell(self._least)}.", param, ctx)
        if self._most is not None and duration > self._most:
            self.fail(f"{value!r} must be at most {spell(self._most)}.", param, ctx)
        return duration


class Given(click.Option):
    """An option that is as if not given where it is empty, as kubectl has it: a shell's variable may not be set."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """What was typed, else what the environment says, else the default."""
        return super().consume_value(ctx, {key: each for key, each in opts.items() if key != self.name or each != ""})


def with_options(function: Callable[..., Any], *options: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function with these click options, which `--help` shows in this order."""
    for option in reversed(options):
        function = option(function)
    return function


DURATION = DurationType()
KUBECONFIG = click.option(
    "--kubeconfig", cls=Given, type=FILE, help="Default: the pod's ServiceAccount, else $KUBECONFIG or ~/.kube/config."
)
LIFECYCLE = click.option("--web.enable-lifecycle", "lifecycle", is_flag=True, help="Allow POST /-/reload.")
CONTEXT = click.option("--context", help="Context of the kubeconfig. Default: its current one.")


def default_config_file() -> Path | None:
    """Where the configuration is when nobody says so; None where there is none."""
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def config_file(help_: str) -> Callable[[Command], Command]:
    """The option `--config.file`, alike for all: without it `$STAGEKEEPER_CONFIG`, else the file in /etc, if any."""
    return click.option(
        "--config.file",
        "config_file",
        cls=Given,
        type=FILE,
        envvar=CONFIG_VARIABLE,
        default=default_config_file,
        show_default=False,
        help=f"{help_} Default: ${CONFIG_VARIABLE}, else {CONFIG_FILE} if it exists.",
    )


def version(program: str) -> Callable[[Command], Command]:
    """The option `--version`: one line with version, revision and Python."""
    running = build()
    return click.version_option(
        running.version,
        prog_name=program,
        message=f"%(prog)s %(version)s, revision {running.revision}, Python {running.python}",
    )
