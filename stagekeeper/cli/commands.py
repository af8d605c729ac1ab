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
    Subcommand("status", "remediator.commands.status:command", "Show what the remediator is doing, on one screen."),
    Subcommand("diagnose", "stagekeeper.cli.diagnose:command", "Take one observation and say what is wrong."),
    Subcommand("explain", "incidents.explain:command", "Explain a remediation or an incident file."),
    Subcommand("restart", "remediator.commands.restart:command", "Ask for a restart, through the same gates."),
    Subcommand("pause", "remediator.commands.pause:command", "Keep the remediator from restarting anything."),
    Subcommand("resume", "remediator.commands.resume:command", "End a pause."),
    Subcommand("reset", "remediator.commands.reset:command", "Release an environment after an escalation."),
    Subcommand("check-config", "stagekeeper.cli.check_config:command", "Check a configuration file."),
    Subcommand("exporter", "exporter.__main__:command", "Run the Prometheus exporter."),
    Subcommand("remediator", "remediator.__main__:command", "Run the remediator (Alertmanager webhook)."),
    Subcommand("completion", "stagekeeper.cli.completion:command", "Print the completion script of a shell."),
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
