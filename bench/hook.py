"""What a user would pick instead of the remediator: an alert hook that starts a shell script with nc and kubectl."""

import os
from pathlib import Path

import yaml

from bench.diego import Diego
from bench.running import Bench, Running, program
from simulator.bbs import BBS_PORT
from tests.testbed.process import free_port

_SCRIPT = """#!/bin/sh
# Restart Diego's BBS when nobody listens on its port.
{nc} -z -w 3 {service} {port} && exit 0
exec {kubectl} --kubeconfig {kubeconfig} --namespace {namespace} delete pods --selector {selector} --wait=false
"""


def url_path(diego: Diego) -> str:
    """Where the alert of this Diego is sent."""
    return f"/hooks/{diego.namespace}"


async def receiver(bench: Bench, diegos: list[Diego]) -> Running:
    """Debian's `webhook` with one script for each Diego; it answers when the script has ended."""
    hooks = [_hook(diego, _script(bench, diego)) for diego in diegos]
    config = bench.path("hooks.yaml")
    config.write_text(yaml.safe_dump(hooks))
    port = free_port()
    argv: list[str | Path] = [
        program("webhook"),
        "-hooks",
        config,
        "-ip",
        "127.0.0.1",
        "-port",
        str(port),
        "-http-methods",
        "post",
    ]
    env = {"HOME": str(bench.folder), "PATH": os.defpath}  # kubectl keeps what it discovers below HOME
    return await bench.start("webhook", argv, f"http://127.0.0.1:{port}", "/", env)


def _script(bench: Bench, diego: Diego) -> Path:
    labels = diego.layout.bbs.labels if diego.layout.bbs else {}
    path = bench.path(f"{diego.namespace}.sh")
    text = _SCRIPT.format(
        nc=program("nc.traditional"),
        service=diego.network.bbs_service,
        port=BBS_PORT,
        kubectl=diego.cluster.plane.binaries.kubectl,
        kubeconfig=diego.cluster.plane.kubeconfig,
        namespace=diego.namespace,
        selector=",".join(f"{key}={value}" for key, value in labels.items()),
    )
    path.write_text(text)
    path.chmod(0o755)
    return path


def _hook(diego: Diego, script: Path) -> dict[str, object]:
    return {"id": diego.namespace, "execute-command": str(script), "include-command-output-in-response": True}
