"""`python -m remediator`, which is `stagekeeper remediator`."""

from stagekeeper.service.flags import program

command = program(
    "remediator",
    9890,
    "remediator.app:start",
    "Take Alertmanager's webhook, and restart the BBS pods once when that fixes it.",
)


if __name__ == "__main__":
    command(prog_name="python -m remediator")
