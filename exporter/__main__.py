"""`python -m exporter`, which is `stagekeeper exporter`."""

from stagekeeper.service.flags import program

command = program(
    "exporter", 9889, "exporter.program:start", "Publish what Prometheus must know of each environment's stager."
)


if __name__ == "__main__":
    command(prog_name="python -m exporter")
