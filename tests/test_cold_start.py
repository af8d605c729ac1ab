"""No command imports what it does not use: a start is as fast, and a process as small, as its own libraries allow."""

import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from stagekeeper.late_import import imported
from tests.exporter.programs import down
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

NETWORK = {"aiohttp", "kubernetes", "h11", "aiohappyeyeballs"}
PROGRAMS = {"prometheus_client", "bcrypt"}
DEMO = {"trustme", "cryptography"}
SYNCHRONOUS = {"kubernetes.client", "kubernetes.dynamic", "kubernetes.stream", "requests_oauthlib", "websocket"}
FORBIDDEN = {
    ("stagekeeper", "--help"): NETWORK | PROGRAMS | DEMO | {"pydantic", "yaml", "structlog", "asyncio"},
    ("stagekeeper", "check-config", "--help"): NETWORK | PROGRAMS | DEMO | {"structlog", "asyncio"},
    ("stagekeeper", "diagnose", "--help"): PROGRAMS | DEMO | SYNCHRONOUS | {"exporter.scrape", "remediator"},
    ("stagekeeper", "explain", "--help"): PROGRAMS | DEMO | SYNCHRONOUS | {"exporter"},
    ("stagekeeper", "pause", "--help"): PROGRAMS | DEMO | {"exporter"},
    ("stagekeeper", "exporter", "--help"): NETWORK | PROGRAMS | DEMO | {"pydantic", "yaml", "remediator"},
    ("stagekeeper", "remediator", "--help"): NETWORK | PROGRAMS | DEMO | {"pydantic", "yaml", "exporter.scrape"},
    ("exporter", "--help"): NETWORK | PROGRAMS | DEMO | {"pydantic", "yaml", "remediator", "exporter.scrape"},
    ("remediator", "--help"): NETWORK | PROGRAMS | DEMO | {"pydantic", "yaml", "exporter", "remediator.reconciler"},
}


def modules_of(log: str) -> set[str]:
    """The modules that `python -X importtime` tells of."""
    return set(re.findall(r"^import time:.*\| +([\w.]+)$", log, re.MULTILINE))


def among(forbidden: set[str], modules: set[str]) -> list[str]:
    """Those of `modules` that are forbidden, or lie in a forbidden package."""
    return sorted(each for each in modules if any(each == name or each.startswith(f"{name}.") for name in forbidden))


@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_help_imports_only_what_it_uses(command: tuple[str, ...]) -> None:
    argv = [sys.executable, "-X", "importtime", "-m", *command]
    shown = subprocess.run(argv, capture_output=True, text=True, timeout=HANG_GUARD, check=True)
    modules = modules_of(shown.stderr)
    assert "click" in modules
    assert among(FORBIDDEN[command], modules) == []


@pytest.mark.parametrize("target", ["stagekeeper.late_import:imported", "stagekeeper.late_import:nothing", "nowhere:f"])
def test_the_garbage_collector_works_again_after_an_import_and_passes_over_it(target: str) -> None:
    there: list[list[int]] = [[]]
    with contextlib.suppress(ImportError, AttributeError):
        assert imported(target) is imported
    assert gc.isenabled()
    assert all(each is not there for each in gc.get_objects()), "what was there is looked through again"


TRUST = """
import os, ssl, sys
from stagekeeper.late_import import imported
before = dict(os.environ), ssl.create_default_context().cert_store_stats()
connector = imported("aiohttp:connector")
kept = [each for each in vars(connector).values() if isinstance(each, ssl.SSLContext)]
print(len(kept) > 0, {each.cert_store_stats()["x509_ca"] for each in kept})
print((dict(os.environ), ssl.create_default_context().cert_store_stats()) == before, before[1]["x509_ca"] > 0)
"""


def test_an_import_keeps_no_authorities_and_what_comes_after_it_has_them(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    named = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    named.pop("SSL_CERT_DIR", None)
    argv = [sys.executable, "-c", TRUST]
    done = subprocess.run(argv, env=named, capture_output=True, text=True, timeout=HANG_GUARD, check=True)
    assert done.stdout.split() == ["True", "{0}", "True", "True"]


def _imported_until_ready(tmp_path: Path, name: str, *flags: str | Path) -> set[str]:
    """The modules of a program that has read its configuration and listens."""
    address = f"127.0.0.1:{free_port()}"
    argv: list[str | Path] = [sys.executable, "-X", "importtime", "-m", name, f"--web.listen-address={address}", *flags]
    with Process(name, argv, tmp_path / "log", {**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        process.wait_until(lambda: "Listening." in process.log.read_text(), "listening", HANG_GUARD)
        os.kill(process.pid, signal.SIGTERM)
        process.wait_until(lambda: "msg=Stopped." in process.log.read_text(), "its end", HANG_GUARD)
    return modules_of(process.log.read_text())


def test_a_running_exporter_has_neither_the_typed_kubernetes_models_nor_the_remediator(tmp_path: Path) -> None:
    modules = _imported_until_ready(tmp_path, "exporter", "--kubeconfig", down(tmp_path))
    heavy = {each for each in modules if each.startswith("kubernetes.aio.client.models.")}
    assert "exporter.scrape" in modules
    assert heavy == set()
    assert among(DEMO | SYNCHRONOUS | {"remediator", "simulator", "incidents"}, modules) == []


def test_a_running_remediator_has_neither_the_typed_kubernetes_models_nor_the_exporter(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-token-of-the-tests")
    config = tmp_path / "stagekeeper.yaml"
    config.write_text(f"remediator: {{mode: observe, webhook: {{token_file: {tmp_path / 'token'}}}}}\n")
    modules = _imported_until_ready(tmp_path, "remediator", "--config.file", config, "--kubeconfig", down(tmp_path))
    heavy = {each for each in modules if each.startswith("kubernetes.aio.client.models.")}
    assert "remediator.reconciler" in modules
    assert heavy == set()
    assert among(DEMO | SYNCHRONOUS | {"exporter", "simulator", "incidents"}, modules) == []
