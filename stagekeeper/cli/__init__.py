"""The command `stagekeeper`: a table of subcommands, each imported only when it is called.

Exit codes of all subcommands: 0 done, 1 failed, 2 a flag or the configuration is wrong, or stdout can't be written.
`diagnose` adds 3: it could not tell.
"""

import sys
from pathlib import Path

from stagekeeper.cli.commands import stagekeeper
from stagekeeper.cli.streams import hold

PLUGIN = "kubectl-stagekeeper"
"""The name by which kubectl finds us on PATH: `kubectl stagekeeper` is the same command."""


def main() -> None:
    """Run the command line of this process and exit."""
    called = "kubectl stagekeeper" if Path(sys.argv[0]).name == PLUGIN else "stagekeeper"
    hold(called)
    stagekeeper(prog_name=called, complete_var="_STAGEKEEPER_COMPLETE")
