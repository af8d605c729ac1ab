"""`python -m remediator`, which is `stagekeeper remediator`."""

from stagekeeper.service.flags import program


@program("remediator", 9890, "remediator.program:start")
def command() -> None:
    """Take Alertmanager's webhook, and restart the BBS pods once when that is the cure.

    Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong.
    """


if __name__ == "__main__":
    command(prog_name="python -m remediator")
