"""`python -m remediator`, which is `stagekeeper remediator`."""

from stagekeeper.service.flags import program

command = program(
    "remediator",
    9890,
    "remediator.app:start",
    "Run the remediator (Alertmanager webhook): it restarts the BBS pods once where that is the fix.",
)


if __name__ == "__main__":
    command(prog_name="python -m remediator")
