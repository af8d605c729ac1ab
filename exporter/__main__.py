"""`python -m exporter`, which is `stagekeeper exporter`."""

from stagekeeper.service import options
from stagekeeper.service.flags import program

command = program(
    "exporter",
    9889,
    "exporter.app:start",
    "Run the Prometheus exporter: can the stager of each environment be reached?",
    options.LIFECYCLE,
    file="Environments and settings, as YAML. Without one: the tutorial's environment.",
)


if __name__ == "__main__":
    command(prog_name="python -m exporter")
