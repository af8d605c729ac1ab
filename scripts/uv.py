"""`python -m scripts.uv ARGUMENTS` runs the uv of `.venv`, told of the package index as pip is.

uv reads neither pip's configuration files nor its variables. Who has set pip to a mirror, a certificate or a proxy has
said all that we may ask for; so that is handed on, and what uv itself was told comes first.
"""

import ast
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_LATER_WINS = ("global", "install", ":env:")
_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
_SEPARATED_BY_COMMA = frozenset({"find-links"})
_USUAL_INDEX_TOO = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
"""As pip does it: a file may come from any of the indexes. The lock's hashes say which file it is."""


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` printed (`section.name='value'`), each name once, as pip itself would decide it."""
    found: dict[str, dict[str, str]] = {section: {} for section in _LATER_WINS}
    for line in listing.splitlines():
        key, equals, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if equals and section in found:
            found[section][name] = str(ast.literal_eval(value))
    return {name: value for section in _LATER_WINS for name, value in found[section].items()}


def uv_environment(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with pip's settings under uv's names, where it has no value of its own for them."""
    told = dict(_USUAL_INDEX_TOO)
    for name, variable in _NAMES.items():
        if value := settings.get(name):
            told[variable] = ("," if name in _SEPARATED_BY_COMMA else " ").join(value.split())
    if _machine_has_authorities():
        told["UV_SYSTEM_CERTS"] = "true"  # else uv knows only the authorities that it was built with
    return told | {"UV_PYTHON_DOWNLOADS": "never"} | dict(environment)


def _machine_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))


def main(arguments: list[str]) -> int:
    """Run uv on the environment that this Python is of; its exit code."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = pip_settings(listed)
    uv = Path(sys.prefix) / "bin" / "uv"
    flags = ["--no-index"] if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"} else []
    environment = uv_environment(settings, os.environ) | {"VIRTUAL_ENV": sys.prefix}
    return subprocess.run([uv, *arguments, *flags], env=environment, check=False).returncode  # noqa: S603 - as asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
