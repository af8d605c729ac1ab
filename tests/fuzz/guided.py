"""One target under atheris: `python -m tests.fuzz.guided TARGET [libFuzzer's arguments]`.

It runs in the environment that tests/fuzz/__main__.py makes, since only that has atheris.
"""

import sys

import atheris  # type: ignore[import-untyped]  # in an environment of its own

with atheris.instrument_imports(include=["exporter", "remediator", "stagekeeper", "h11"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Let libFuzzer run until it has had enough, or has found something."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
