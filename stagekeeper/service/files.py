"""Values made from files, made anew when the files change.

Kubernetes updates a mounted Secret by swapping the symbolic link `..data`, people replace or rewrite files: all of
these change the signature of a path, which costs a few system calls to take. Nothing here watches; whoever needs the
value asks for it, and gets the newest that could be loaded.
"""

import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import structlog

from stagekeeper.config.errors import ConfigurationError, ProgramError

T = TypeVar("T")

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_LARGEST = 1024 * 1024
"""Bytes of a file of ours: a bundle of all the world's CAs has a quarter of that."""


class FileIdentity(NamedTuple):
    """What tells one version of a file, behind all symbolic links, from the next; times are nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


FileSignature = tuple[FileIdentity | None, ...]


def signature(*paths: Path) -> FileSignature:
    """What identifies the present version of each path; None for one that can't be read. Never raises."""
    return tuple(_identity(path) for path in paths)


def _identity(path: Path) -> FileIdentity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileIdentity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_bytes(path: Path, what: str, problem: type[ProgramError] = ConfigurationError) -> bytes:
    """The content of a file. Raises `problem`, naming `what` and the path, if it can't be read.

    Only of a regular file, and of at most 1 MiB: a program that opens a FIFO waits until somebody writes into it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            content = _content(descriptor) if stat.S_ISREG(mode) else None
        finally:
            os.close(descriptor)
    except OSError as failure:
        raise problem(f"{what} {path} can't be read: {failure.strerror or failure}.") from failure
    if content is None:
        raise problem(f"{what} {path} is not a regular file (it is {_kind(mode)}).")
    if len(content) > _LARGEST:
        raise problem(f"{what} {path} is larger than {_LARGEST} bytes; is it the right file?")
    return content


def _content(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(_LARGEST + 1)


def _kind(mode: int) -> str:
    kinds = {stat.S_ISDIR: "a directory", stat.S_ISFIFO: "a FIFO", stat.S_ISCHR: "a device"}
    return next((kind for is_it, kind in kinds.items() if is_it(mode)), "something else")


def read_text(path: Path, what: str) -> str:
    """The text of a file; see `read_bytes`. Raises `ConfigurationError` also if it is not UTF-8."""
    try:
        return read_bytes(path, what).decode("utf-8")
    except UnicodeDecodeError as failure:
        raise ConfigurationError(f"{what} {path} is not a text file (byte {failure.start} is not UTF-8).") from failure


_AGAIN = 5.0
"""Seconds until a version that could not be used is tried again."""


class Reloaded(Generic[T]):
    """A value made from files, loaded again when one of them changes.

    The first load must succeed; after that a broken new version keeps the value loaded before, says so once in the log,
    and is tried again: what it lacks may be another file, that it names. `load` raises a `ProgramError` when the files
    can't be used; whatever else it raises keeps the old value too.
    """

    def __init__(self, what: str, paths: Sequence[Path], load: Callable[[], T]) -> None:
        self._what = what
        self._paths = tuple(paths)
        self._load = load
        self._seen: FileSignature = ()
        self._values: tuple[T, ...] = ()  # empty until a load has succeeded
        self._problem: str | None = None
        self._again_at = 0.0

    def current(self) -> T:
        """The newest value that could be loaded. Raises the loader's `ProgramError` if there never was one."""
        # The signature is taken before the load: a change in between is seen by the next call.
        now = signature(*self._paths)
        again = self._problem is not None and time.monotonic() >= self._again_at
        if now != self._seen or not self._values or again:
            self._seen = now
            self._load_anew()
        return self._values[0]

    def _load_anew(self) -> None:
        try:
            value = self._load()
        except Exception as problem:
            if not self._values:
                raise
            foreseen = isinstance(problem, ProgramError)
            self._keep_the_old_one(str(problem) if foreseen else f"unexpected {type(problem).__name__}.")
            return
        if self._values:
            _log.info("A file has changed and was read again.", what=self._what, files=list(map(str, self._paths)))
        self._values = (value,)
        self._problem = None

    def _keep_the_old_one(self, problem: str) -> None:
        if problem != self._problem:
            _log.error(
                "A file has changed but can't be used; what was read before stays in force.",
                what=self._what,
                reason=problem,
            )
        self._problem, self._again_at = problem, time.monotonic() + _AGAIN
