"""`stagekeeper completion`: the script that lets a shell complete our commands and flags."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_STAGEKEEPER_COMPLETE"
"""The variable by which the script asks us what may follow."""


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell.

    bash: source <(stagekeeper completion bash). zsh: the same, after compinit. fish: stagekeeper completion fish |
    source.
    """
    found = get_completion_class(shell)
    if found is None:  # pragma: no cover -- click knows all three
        raise click.UsageError(f"{shell} is not known.")
    # Not .source(), which starts the shell to ask for its version.
    script = found(context.find_root().command, {}, "stagekeeper", VARIABLE)
    click.echo(script.source_template % script.source_vars(), nl=False)
