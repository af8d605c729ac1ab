"""`python -m exporter`, which is `stagekeeper exporter`: the command line, in Prometheus' style."""

import sys
from functools import partial
from pathlib import Path

import click

from exporter.program import Flags, start
from stagekeeper.service import logs
from stagekeeper.service.address import parse_listen_address
from stagekeeper.service.problems import ServiceProblem
from stagekeeper.service.run import Program, main, report

NAME = "exporter"
_FILE = click.Path(path_type=Path)


@click.command(NAME, context_settings={"show_default": True})
@click.option(
    "--config.file", "config_file", type=_FILE, help="Environments and settings. Default: the tutorial's environment."
)
@click.option(
    "--web.listen-address", "listen", multiple=True, default=(":9889",), help="Where to listen; may be repeated."
)
@click.option(
    "--web.config.file", "web_config", type=_FILE, help="TLS and basic auth, in the exporter-toolkit's format."
)
@click.option("--web.enable-lifecycle", "lifecycle", is_flag=True, help="Allow POST /-/reload.")
@click.option("--log.level", "level", type=click.Choice(logs.LEVELS), default="info")
@click.option("--log.format", "log_format", type=click.Choice(logs.FORMATS), default="logfmt")
@click.option("--kubeconfig", type=_FILE, help="Default: the pod's ServiceAccount, else $KUBECONFIG or ~/.kube/config.")
@click.option("--context", help="Context of the kubeconfig. Default: its current one.")
def command(  # noqa: PLR0913 -- one argument for each flag
    *,
    config_file: Path | None,
    listen: tuple[str, ...],
    web_config: Path | None,
    lifecycle: bool,
    level: logs.Level,
    log_format: logs.Format,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Publish what Prometheus must know of each environment's stager.

    Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong.
    """
    logs.configure(level, log_format)
    try:
        addresses = [parse_listen_address(each) for each in listen]
    except ServiceProblem as problem:
        sys.exit(report(NAME, problem))
    flags = Flags(config_file, addresses, web_config, lifecycle, kubeconfig, context)
    sys.exit(main(Program(NAME, partial(start, flags=flags))))


if __name__ == "__main__":
    command(prog_name="python -m exporter")
