"""One target under atheris: `python -m tests.fuzz.guided TARGET [libFuzzer's arguments]`.

It runs in the environment that tests/fuzz/__main__.py makes, since only that has atheris.
"""

import sys

import atheris  # type: ignore[import-untyped]  # in an environment of its own

with atheris.instrument_imports(include=["exporter", "remediator", "stagekeeper", "h11"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Let libFuzzer run until it has had enough, or has found something."""
    name = sys.argv[1]
    again = f"{sys.executable} -m tests.fuzz.guided {name}"  # a merge starts itself anew, by a shell
    atheris.Setup([again, *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
