"""Alertmanager and remediators as processes: each logs into its folder, and ends with the block that starts it."""

import sys
from pathlib import Path

from tests.testbed.binaries import find_program

ALERTMANAGER = "127.0.0.1:9093"


def remediator(config: Path, kubeconfig: Path, address: str) -> list[str | Path]:
    """The command of a remediator."""
    flags: list[str | Path] = ["--config.file", config, "--kubeconfig", kubeconfig, "--web.listen-address", address]
    return [sys.executable, "-m", "remediator", *flags, "--log.format", "json", "--log.level", "debug"]


def alertmanager(folder: Path) -> list[str | Path]:
    """Alertmanager's command; its configuration is `folder`/alertmanager.yaml."""
    return [
        find_program("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={ALERTMANAGER}",
        "--cluster.listen-address=",
    ]
