"""The part of the command `stagekeeper` that knows remediations: each module holds one subcommand."""
