"""The command `stagekeeper`: a table of subcommands, each imported only when it is called.

Exit codes of all subcommands: 0 done, 1 failed, 2 a flag or the configuration is wrong. `diagnose` adds 3: it could
not tell.
"""

from stagekeeper.cli.commands import stagekeeper


def main() -> None:
    """Run the command line of this process and exit."""
    stagekeeper(prog_name="stagekeeper")
