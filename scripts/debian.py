"""Programs out of Debian's packages, without installing these: downloaded, unpacked, made to find their own files."""

import contextlib
import os
import platform
import shlex
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.cache import SetupError, locked, must, on_path, say

_PLACES = ("usr/bin", "bin", "usr/sbin", "sbin", "usr/lib/cni")
_OPEN = 9
_SANDBOX = ("-o", "APT::Sandbox::User=root")  # our folders may be ones that the user `_apt` cannot enter


def release() -> str:
    """The system's name and release, such as `debian-12`: what was fetched for one may not run on another."""
    with contextlib.suppress(OSError):
        told = platform.freedesktop_os_release()
        return "-".join(filter(None, (told["ID"], told.get("VERSION_ID")))).replace("/", "_")
    return platform.system().lower()


class Packages:
    """Debian packages, each downloaded and unpacked at most once. `with` holds the folder's lock.

    The folder has `bin/` with the programs, and a folder with the whole of each package.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exits = contextlib.ExitStack()
        self._failed: dict[str, SetupError] = {}
        self._own_lists: tuple[str, ...] | None = None

    def __enter__(self) -> Self:
        """Wait for others that fill the same folder."""
        self._exits.enter_context(locked(self._folder))
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let others at the folder."""
        self._exits.close()

    def unpack(self, name: str, packages: tuple[str, ...], files: str = "") -> None:
        """Put a program into `bin/`, out of the first of these packages that holds it. Raises SetupError.

        `files`: a folder by whose absolute path the program reads what else is in its package.
        """
        for package in packages:
            tree = self._tree(package)
            for place in _PLACES:
                if (program := tree / place / name).is_file():
                    _offer(program, tree, files, self._folder / "bin" / name)
                    return
        raise SetupError(f"{' and '.join(packages)} of this release hold no {name}")

    def install(self, package: str) -> None:
        """Install a package that starts no service. Raises SetupError, for others than root always."""
        if os.geteuid() != 0 or not on_path("apt-get"):
            raise SetupError("only root can install packages, and only where there is apt-get")
        say(f"  installing {package} of Debian")
        log = self._folder / "install.log"
        command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
        try:
            must(command, log, "apt-get install")
        except SetupError:
            must(["apt-get", "update"], log, "apt-get update")
            must(command, log, "apt-get install")

    def _tree(self, package: str) -> Path:
        """Where the whole of a package is unpacked. Raises SetupError, a second time without trying again."""
        tree = self._folder / package
        if package in self._failed:
            raise self._failed[package]
        if not tree.exists():
            say(f"  fetching {package} of Debian")
            try:
                with tempfile.TemporaryDirectory(dir=self._folder) as work:
                    archive = self._download(package, Path(work))
                    must(["dpkg-deb", "-x", archive, Path(work) / "tree"], Path(work) / "log", f"unpacking {package}")
                    (Path(work) / "tree").rename(tree)  # in one step: a half of it is never found
            except SetupError as error:
                self._failed[package] = error
                raise
        return tree

    def _download(self, package: str, folder: Path) -> Path:
        """Download a package, with package lists of our own where the machine's are missing or out of date."""
        if not (on_path("apt-get") and on_path("dpkg-deb")):
            raise SetupError("this machine has no apt-get and dpkg-deb to fetch Debian packages with")
        log = folder / "download.log"
        try:
            must(["apt-get", *_SANDBOX, *(self._own_lists or ()), "download", package], log, "download", cwd=folder)
        except SetupError:
            if self._own_lists is not None:
                raise
            self._own_lists = self._update(log)
            must(["apt-get", *_SANDBOX, *self._own_lists, "download", package], log, "download", cwd=folder)
        return next(folder.glob("*.deb"))

    def _update(self, log: Path) -> tuple[str, ...]:
        """Fetch package lists of our own; the options by which apt-get uses them."""
        say("  the machine's package lists do not help: fetching lists of our own (apt-get update)")
        state = Path(self._exits.enter_context(tempfile.TemporaryDirectory(dir=self._folder)))
        for own in ("lists", "cache/archives"):
            (state / own / "partial").mkdir(parents=True)
        options = ("-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={state / 'cache'}")
        must(["apt-get", *_SANDBOX, *options, "update"], log, "apt-get update")
        return options


def _offer(program: Path, tree: Path, files: str, offered: Path) -> None:
    """Make a program startable under `offered`."""
    offered.parent.mkdir(exist_ok=True)
    offered.unlink(missing_ok=True)
    if not files:
        offered.symlink_to(program)
        return
    moved = program.with_name(f"{program.name}.moved")
    moved.write_bytes(relocated(program.read_bytes(), files))
    shutil.copymode(program, moved)
    offered.write_text(
        "#!/bin/sh\n"
        f"# Debian built this program to read {files}; here that folder is open as number {_OPEN}.\n"
        f'exec {_OPEN}<{shlex.quote(f"{tree}{files}")} && exec {shlex.quote(str(moved))} "$@"\n'
    )
    offered.chmod(0o755)


def relocated(program: bytes, files: str) -> bytes:
    """A program whose absolute folder `files` is replaced by the open folder, in as many bytes. Raises SetupError.

    The open folder is independent of the user, of where the cache is and of the working directory.
    """
    folder = f"/proc/self/fd/{_OPEN}".ljust(len(files), "/")
    if files.encode() not in program or len(folder) != len(files):
        raise SetupError(f"it does not read {files} as it did in earlier releases")
    return program.replace(files.encode(), folder.encode())
