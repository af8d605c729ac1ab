"""`python -m tests.testbed.serve_control_plane FOLDER`: a control plane that runs until SIGTERM or Ctrl-C.

When it is ready, FOLDER/ready.json holds `url`, `token`, `ca_file`, `kubeconfig` and the process ids.
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.testbed.binaries import MissingProgramError, find_binaries
from tests.testbed.control_plane import ControlPlane, control_plane
from tests.testbed.process import ProcessError


def main(arguments: list[str] | None = None) -> int:
    """Run until asked to end; exit code 1 if the control plane does not start."""
    parser = argparse.ArgumentParser(prog="serve_control_plane", description=__doc__)
    parser.add_argument("folder", type=Path, help="for logs, data and ready.json")
    parser.add_argument("--address", default="127.0.0.1", help="where it listens (default: %(default)s)")
    options = parser.parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    folder: Path = options.folder.resolve()
    ready = folder / "ready.json"
    try:
        with control_plane(folder, find_binaries(), options.address) as plane:
            _write_ready(plane, ready)
            done.wait()
            ready.unlink()
    except (MissingProgramError, ProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _write_ready(plane: ControlPlane, ready: Path) -> None:
    facts = {
        "url": plane.url,
        "token": plane.token,
        "ca_file": str(plane.ca_file),
        "kubeconfig": str(plane.kubeconfig),
        "etcd_pid": plane.etcd.pid,
        "apiserver_pid": plane.apiserver.pid,
        "controller_manager_pid": plane.controller_manager.pid,
    }
    draft = ready.with_suffix(".draft")
    draft.write_text(json.dumps(facts, indent=2))
    draft.replace(ready)  # in one step: whoever polls never reads half a file


if __name__ == "__main__":
    sys.exit(main())
