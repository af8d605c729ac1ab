"""Writes log lines to a stream without ever raising or waiting for long."""

import io
import os
import select
from typing import TextIO

_PIECE = select.PIPE_BUF
"""Bytes that a pipe which is ready takes without waiting."""
_PATIENCE = 50
"""Milliseconds that a line waits for a reader that has fallen behind."""


class LogOutput:
    """A stream for log lines. `lost` counts the lines that could not be written (disk full, closed, not read).

    `stream` is None where the process was started without a stderr.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.lost = 0
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._stuck = False
        self._torn = False  # the last line was written in part, so the next begins with a line break

    def write_line(self, line: str) -> bool:
        """Write one line, or count it as lost and say so by False."""
        try:
            self._write(f"{line}\n")
        except (OSError, ValueError):  # ValueError: the stream object was closed
            self.lost += 1
            return False
        return True

    def _write(self, text: str) -> None:
        if self._descriptor is not None:
            self._write_in_pieces(self._descriptor, text.encode("utf-8", "backslashreplace"))
        elif self._stream is not None:
            self._stream.write(text)
        else:
            raise BrokenPipeError

    def _write_in_pieces(self, descriptor: int, line: bytes) -> None:
        left = b"\n" + line if self._torn else line
        while left:
            self._wait_until_ready(descriptor)
            left = left[os.write(descriptor, left[:_PIECE]) :]
            self._torn = bool(left)

    def _wait_until_ready(self, descriptor: int) -> None:
        """Raise BlockingIOError if a write would wait; be patient only until the first time that it did."""
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        self._stuck = not poll.poll(0 if self._stuck else _PATIENCE)
        if self._stuck:
            raise BlockingIOError


def _descriptor(stream: TextIO | None) -> int | None:
    """The stream's file descriptor, or None for a stream in memory and for none at all."""
    if stream is None:
        return None
    try:
        return stream.fileno()
    except (io.UnsupportedOperation, ValueError):
        return None
