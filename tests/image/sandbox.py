"""What a container gives the programs: their tree on a read-only mount, no privileges, nothing to write to."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path("/mnt")
USER = "65532"
_WAY = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")
# Root can become somebody else; anybody else is root in the namespace alone, and stays who he is.
_ANOTHER = (f"--reuid={USER}", f"--regid={USER}", "--clear-groups") if os.geteuid() == 0 else ()
_DROP = ("setpriv", *_ANOTHER, "--no-new-privs", "--bounding-set=-all")
_SET_UP = """
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/python /mnt/stagekeeper /mnt/etc
cp "$3"/* /mnt/etc
chmod -R a+rX /mnt/etc
mount --bind "$1" /mnt/python
mount --bind "$2" /mnt/stagekeeper
for each in python stagekeeper; do mount -o remount,ro,bind /mnt/$each; done
mount -o remount,ro,bind /mnt
for each in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro tmpfs $each; done
cd /
shift 3
exec "$@"
"""


def command(tree: Path, files: Path, *arguments: str) -> list[str]:
    """The command that runs `arguments` with the tree in /mnt/stagekeeper and the files in /mnt/etc."""
    path = f"PATH={HERE}/stagekeeper/bin:{HERE}/python/bin:/usr/bin:/bin"
    shared = f"LD_LIBRARY_PATH={HERE}/python/lib"  # where a Python that was built with a shared library has it
    clean = ("env", "-i", path, shared, "HOME=/nonexistent", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
    prepare: Sequence[str] = ("sh", "-c", _SET_UP, "sandbox", sys.base_prefix, str(tree), str(files))
    return [*_WAY, *prepare, *_DROP, *clean, *arguments]
