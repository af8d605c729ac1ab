"""The three standard streams of a command, whatever they are: closed, full, a pipe that ends early, any encoding."""

import io
import os
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

UNWRITABLE = 2
"""How a command ends whose words can't be written: never 1, which says that `diagnose` found a fault."""


def hold(program: str) -> None:
    """Give this process streams that raise nothing.

    What an encoding lacks is written as its escape. Where stdout takes nothing (any more), the command ends with a
    sentence on stderr; where stderr takes nothing, nobody can be told. A stdin that is closed is empty.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    sys.stdout = _held(sys.stdout, lambda problem: _end(program, problem))
    sys.stderr = _held(sys.stderr, lambda _: None)


def _held(stream: TextIO | None, lost: Callable[[OSError], None]) -> TextIO:
    # A closed stream gets a descriptor that refuses to be written, and that no socket or file will have.
    descriptor = os.open(os.devnull, os.O_RDONLY) if stream is None else stream.fileno()
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, lost)),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


class _Descriptor(io.FileIO):
    """Writes to a descriptor until that fails, which it says once; what comes afterwards goes nowhere."""

    def __init__(self, descriptor: int, lost: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._lost: Callable[[OSError], None] | None = lost

    def write(self, data: "ReadableBuffer") -> int:
        """Write what can be written of it now."""
        lost = self._lost
        if lost is not None:
            try:
                return self._written(data)
            except OSError as problem:
                self._lost = None
                lost(problem)
        return memoryview(data).nbytes

    def _written(self, data: "ReadableBuffer") -> int:
        while True:
            written: int | None = super().write(data)
            if written is not None:
                return written
            select.select([], [self], [])  # it is full, and who shares it made it one that does not wait


def _end(program: str, problem: OSError) -> None:
    said = f"What this command says can't be written to stdout ({problem.strerror}). What it does may be done."
    click.echo(f"{program}: {said}", err=True)
    sys.exit(UNWRITABLE)
