"""The subcommands as a table, so that `stagekeeper --help` needs to import none of them."""

from dataclasses import dataclass

import click

from stagekeeper.late_import import imported
from stagekeeper.service.options import version


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One subcommand: its name, `module:attribute` of its click command, and its line in `--help`."""

    name: str
    target: str
    about: str

    def load(self) -> click.Command:
        """Import it."""
        command: click.Command = imported(self.target)
        return command


SUBCOMMANDS = (
    Subcommand("exporter", "exporter.__main__:command", "Publish what Prometheus must know of each stager."),
    Subcommand("remediator", "remediator.__main__:command", "Take Alertmanager's webhook; perform one proven restart."),
    Subcommand(
        "diagnose", "stagekeeper.cli.diagnose:command", "Take one observation and say what is wrong, step by step."
    ),
    Subcommand("explain", "incidents.explain:command", "Tell what a remediation did, and why."),
    Subcommand("pause", "remediator.commands.pause:command", "Keep the remediator from restarting anything."),
    Subcommand("resume", "remediator.commands.resume:command", "End a pause."),
    Subcommand("restart", "remediator.commands.restart:command", "Ask for a restart, through the same gates."),
    Subcommand("reset", "remediator.commands.reset:command", "Release an environment after an escalation."),
    Subcommand(
        "check-config", "stagekeeper.cli.check_config:command", "Read a configuration file; show every mistake."
    ),
)


class LazyGroup(click.Group):
    """A group whose subcommands stand in `SUBCOMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Their names, in the order of the table."""
        return [each.name for each in SUBCOMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        """Import one; None for a name that is not in the table."""
        found = next((each for each in SUBCOMMANDS if each.name == cmd_name), None)
        return found.load() if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        """Write the table, without importing any subcommand."""
        with formatter.section("Commands"):
            formatter.write_dl([(each.name, each.about) for each in SUBCOMMANDS])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@version("stagekeeper")
def stagekeeper() -> None:
    """Keep Cloud Foundry's stager available on Kubernetes."""
