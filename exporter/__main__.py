"""`python -m exporter`, which is `stagekeeper exporter`."""

from stagekeeper.service.flags import program


@program("exporter", 9889, "exporter.program:start")
def command() -> None:
    """Publish what Prometheus must know of each environment's stager.

    Exit codes: 0 stopped when asked to, 1 failed (such as a port in use), 2 a flag or the configuration is wrong.
    """


if __name__ == "__main__":
    command(prog_name="python -m exporter")
