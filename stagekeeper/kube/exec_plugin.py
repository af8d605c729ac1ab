"""Credential plugins: a program that the kubeconfig names and that prints a credential.

The protocol is client.authentication.k8s.io, v1 and v1beta1 (client-go: plugin/pkg/client/auth/exec/exec.go). What the
plugin writes to stderr is shown when it fails, and its installHint with it; what it prints to stdout never is.
"""

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from stagekeeper import trust
from stagekeeper.kube.credentials import Credential, CredentialError, Fetched, Secrets, bearer
from stagekeeper.kube.kubeconfig import KubeconfigEntry, decoded
from stagekeeper.kube.objects import time
from stagekeeper.kube.wording import one_line

_GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")
_MODES = {"Never", "IfAvailable", "Always"}
_LIMIT_SECONDS, _PATIENT_LIMIT_SECONDS = 60.0, 300.0
"""For a plugin to answer; the second when a person may have to log in."""
_FAREWELL_SECONDS = 5.0
"""For one that was ended."""
_MOST = 2**20
"""Bytes that a plugin may print."""
_KEPT, _TAIL = 65536, 500
"""Characters of its own words that are kept, and of those the last that are said."""
_HARMLESS = re.compile(r"(?:PROFILE|REGION|HOME|PATH|FILE|CONFIG|ENDPOINTS?)$", re.IGNORECASE)
_SECRET = re.compile(r"token|secret|passw|credential|key", re.IGNORECASE)


class ExecPlugin:
    """One plugin, as a user entry of a kubeconfig configures it. Raises `KubeconfigError` when made of nonsense."""

    def __init__(self, entry: KubeconfigEntry, cluster: Mapping[str, Any], secrets: Secrets) -> None:
        self._name, self._secrets = entry.name, secrets
        self._version = entry.text("apiVersion")
        if self._version not in VERSIONS:
            raise entry.wrong(f"apiVersion must be one of {', '.join(VERSIONS)}; newer plugins speak the first")
        self._command = entry.text("command")
        if not self._command:
            raise entry.wrong("command is missing")
        if os.sep in self._command:
            self._command = os.path.normpath(entry.file.absolute().parent / self._command)
        self._arguments = entry.texts("args")
        self._environment = {name: each.text("value") for each in entry.parts("env") if (name := each.text("name"))}
        self._hint = one_line(entry.text("installHint"), _TAIL)
        self._interactive = _interactive(entry, self._version)
        self._cluster = cluster if entry.flag("provideClusterInfo") else None
        secrets.add(*_secret(self._arguments, {**_inherited(), **self._environment}))

    async def fetch(self) -> Fetched:
        """Run it. Raises `CredentialError`."""
        program = shutil.which(self._command)
        if program is None:
            raise self._failed(f"{self._command} is not there, or not executable")
        spec = {"interactive": self._interactive, **({"cluster": self._cluster} if self._cluster is not None else {})}
        info = json.dumps({"apiVersion": self._version, "kind": "ExecCredential", "spec": spec})
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *self._arguments,
                env={**os.environ, **self._environment, "KUBERNETES_EXEC_INFO": info},
                stdin=None if self._interactive else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=not self._interactive,
            )
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or "arguments or environment can't be passed on"
            raise self._failed(f"{program} can't be started: {why}") from None
        printed, words = await self._talk(process)
        if len(printed) > _MOST:
            raise self._failed(f"it prints more than {_MOST >> 20} MiB")
        if process.returncode:
            raise self._failed(f"exit code {process.returncode}: {words or 'without a word'}")
        return self._understood(printed)

    async def _talk(self, process: asyncio.subprocess.Process) -> tuple[bytes, str]:
        """What it prints, and its own words; ended if it takes too long or prints too much."""
        limit = _PATIENT_LIMIT_SECONDS if self._interactive else _LIMIT_SECONDS
        try:
            async with asyncio.timeout(limit):
                printed, words = await asyncio.gather(self._printed(process), self._heard(process.stderr))
                await process.wait()
        except TimeoutError:
            raise self._failed(f"no answer within {limit:.0f} s") from None
        finally:
            if process.returncode is None:
                self._end(process)
                with suppress(TimeoutError):  # a child that escaped us may hold the pipes for ever
                    async with asyncio.timeout(_FAREWELL_SECONDS):
                        await process.communicate()  # not wait(): that hangs while its pipes are full
        return printed, words

    def _end(self, process: asyncio.subprocess.Process) -> None:
        """Kill it, with what it may have started; where it shares our terminal's session, only it."""
        with suppress(ProcessLookupError, PermissionError):
            if self._interactive:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)

    async def _printed(self, process: asyncio.subprocess.Process) -> bytes:
        """What it prints, to the end; of one that prints too much, which is ended, a little more than is allowed."""
        printed = b""
        while process.stdout and (chunk := await process.stdout.read(65536)):
            if len(printed) <= _MOST:
                printed += chunk
            else:
                self._end(process)
        return printed

    async def _heard(self, stream: asyncio.StreamReader | None) -> str:
        """The end of what it writes for people, who see it at once where they sit at a terminal."""
        heard = ""
        while stream and (chunk := await stream.read(4096)):
            text = chunk.decode(errors="replace")
            if sys.stderr is not None and sys.stderr.isatty():
                with suppress(OSError):  # the terminal has gone
                    sys.stderr.write(text)
            heard = (heard + text)[-_KEPT:]
        return one_line(self._secrets.hide(heard), _KEPT)[-_TAIL:]

    def _understood(self, printed: bytes) -> Fetched:
        try:
            answer = decoded(printed)
            version, status = answer["apiVersion"], answer["status"]
            texts = [status.get(key) or "" for key in ("token", "clientCertificateData", "clientKeyData")]
            token, certificate, key = (each for each in texts if isinstance(each, str))
        except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._failed("what it printed is not an ExecCredential with a status") from None
        if version != self._version:
            other = version if version in VERSIONS else "another version"
            raise self._failed(f"it answered in {other}, the kubeconfig asks for {self._version}")
        if bool(certificate) != bool(key):
            raise self._failed("it gave a certificate without a key, or a key without a certificate")
        if not token and not key:
            raise self._failed("it gave neither a token nor a certificate")
        self._secrets.add(token, key)
        try:
            header = bearer(token, "the plugin") if token else None
            pair = trust.usable((certificate.encode(), key.encode())) if key else None
        except (ValueError, CredentialError) as problem:
            raise self._failed(str(problem)) from None
        return Fetched(Credential(header, pair), self._ends(status))

    def _ends(self, status: Mapping[str, Any]) -> datetime | None:
        stamp = status.get("expirationTimestamp")
        ends = time(stamp)
        if stamp and ends is None:
            raise self._failed("its expirationTimestamp is not a time")
        return ends

    def _failed(self, what: str) -> CredentialError:
        hint = f" ({self._hint})" if self._hint else ""
        return CredentialError(f"the credential plugin of {self._name.removeprefix('exec of ')} failed: {what}{hint}")


def cluster_info(cluster: KubeconfigEntry, server: str, ca: bytes) -> dict[str, Any]:
    """What a plugin with `provideClusterInfo` is told of the cluster."""
    extensions = {each.text("name"): each.content.get("extension") for each in cluster.parts("extensions")}
    told = {
        "server": server,
        "tls-server-name": cluster.text("tls-server-name"),
        "insecure-skip-tls-verify": cluster.flag("insecure-skip-tls-verify"),
        "certificate-authority-data": base64.b64encode(ca).decode(),
        "proxy-url": cluster.text("proxy-url"),
        "disable-compression": cluster.flag("disable-compression"),
        "config": extensions.get(f"{_GROUP}/exec"),
    }
    return {key: value for key, value in told.items() if value}


def _interactive(entry: KubeconfigEntry, version: str) -> bool:
    """Whether the plugin may ask a person."""
    mode = entry.text("interactiveMode") or ("IfAvailable" if version == VERSIONS[1] else "")
    if mode not in _MODES:
        raise entry.wrong(f"interactiveMode must be one of {', '.join(sorted(_MODES))}")
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if mode == "Always" and not terminal:
        raise entry.wrong("interactiveMode is Always, and standard input is not a terminal")
    return mode != "Never" and terminal


def _inherited() -> Mapping[str, str]:
    """What of our own environment a plugin may repeat and nobody may read; the name of a file may be read."""
    return {name: each for name, each in os.environ.items() if _SECRET.search(name) and not _is_file(each)}


def _is_file(value: str) -> bool:
    with suppress(OSError, ValueError):
        return Path(value).exists()
    return False


def _secret(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """What the kubeconfig gives to the plugin and may be secret: its own words may repeat it."""
    yield from (value for name, value in environment.items() if not _HARMLESS.search(name))
    for before, argument in pairwise(("", *arguments)):
        _, equals, value = argument.partition("=")
        if _SECRET.search(before if not equals else argument):
            yield value if equals else argument
