"""`python -m remediator`, which is `stagekeeper remediator`."""

from stagekeeper.service.flags import program

command = program(
    "remediator",
    9890,
    "remediator.app:start",
    "Run the remediator (Alertmanager webhook): it restarts the BBS pods once where that is the fix.",
    file="Environments and settings, as YAML. It needs at least the mode and the webhook's token.",
)


if __name__ == "__main__":
    command(prog_name="python -m remediator")
