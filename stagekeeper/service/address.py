"""`--web.listen-address`: what an address is."""

import ipaddress
import re
from dataclasses import dataclass

from stagekeeper.config.errors import ConfigurationError

_LAST_PORT = 65535
_PARTS = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*):(?P<port>[^:]*)")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}(?<!-)")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen: a host name or IP address (None: every interface), and a port (0: any free one)."""

    host: str | None
    port: int

    def __str__(self) -> str:
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """What `:9889`, `0.0.0.0:9889`, `[::1]:9889` or `localhost:9889` means. Raises `ConfigurationError`."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise _problem(text, "is not host:port; write :9889, 127.0.0.1:9889 or, for IPv6, [::1]:9889")
    return ListenAddress(_host(text, parts["host"]), _port(text, parts["port"]))


def _host(text: str, host: str) -> str | None:
    if host.startswith("["):
        return _ipv6(text, host[1:-1])
    if host and not _HOST_NAME.fullmatch(host):
        raise _problem(text, f"has a host {host!r} that is neither a name nor an IP address")
    return host or None


def _ipv6(text: str, host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError as problem:
        raise _problem(text, f"has {host!r} in brackets, which is not an IPv6 address") from problem


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
        raise _problem(text, f"has the port {port!r}; a port is a number from 0 to {_LAST_PORT}")
    return int(port)


def _problem(text: str, complaint: str) -> ConfigurationError:
    return ConfigurationError(f"--web.listen-address={text} {complaint}.")
