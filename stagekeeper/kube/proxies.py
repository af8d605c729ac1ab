"""Which proxy leads to a server, as Go reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

The rules are those of golang.org/x/net/http/httpproxy, which kubectl uses; Python's own differ (no networks in CIDR
notation, no IPv6 without brackets, lower-case names first).
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_NETWORK = re.compile(r"[0-9a-f.:]+/[0-9]+")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<bracketed>[^][]*)]|(?P<host>[^][:]*)):(?P<port>[^:]*)")


class ProxyError(Exception):
    """A proxy that can't be used. The message is a sentence without its end, and holds no password."""


def proxy_for(server: str, configured: str = "", environ: Mapping[str, str] = os.environ) -> str | None:
    """The URL of the proxy on the way to the URL `server`: `configured`, else as the environment says; None for none.

    Raises `ProxyError` for a proxy that speaks neither HTTP nor HTTPS.
    """
    if configured:  # `proxy-url` of a kubeconfig: for every address, whatever NO_PROXY says
        return _usable(_split(configured), "proxy-url")
    target = urlsplit(server)
    variable = f"{target.scheme.upper()}_PROXY"
    named = environ.get(variable) or environ.get(variable.lower()) or ""
    if not named or not _through_proxy(target, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    return _usable(_split(named if "://" in named else f"http://{named}"), variable)


def _split(url: str) -> SplitResult | None:
    try:
        parsed = urlsplit(url)
        _ = parsed.port  # raises for one that is no number
    except ValueError:
        return None
    return parsed


def _usable(proxy: SplitResult | None, source: str) -> str:
    if proxy is None or not proxy.hostname:
        raise ProxyError(f"{source} is not the URL of a proxy")
    if proxy.scheme.startswith("socks"):
        raise ProxyError(
            f"{source} names a SOCKS proxy ({proxy.hostname}), which is not spoken here; name an HTTP proxy"
        )
    if proxy.scheme not in _PORTS:
        raise ProxyError(f"{source} must begin with http:// or https://")
    return proxy.geturl()


def _through_proxy(target: SplitResult, exceptions: str) -> bool:
    host = (target.hostname or "").rstrip()
    address = _address(host)
    if host == "localhost" or (address and address.is_loopback):
        return False
    port = target.port or _PORTS.get(target.scheme)
    entries = [entry for each in exceptions.lower().split(",") if (entry := each.strip())]
    return not any(entry == "*" or _matches(entry, host, port, address) for entry in entries)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> _Address | None:
    with suppress(ValueError):
        address = ipaddress.ip_address(text)
        return getattr(address, "ipv4_mapped", None) or address
    return None


def _matches(entry: str, host: str, port: int | None, address: _Address | None) -> bool:
    """Whether an entry of NO_PROXY means this host and port."""
    if _NETWORK.fullmatch(entry):
        with suppress(ValueError):
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
    split = _HOST_AND_PORT.fullmatch(entry)
    named, its_port = (split["bracketed"] or split["host"], split["port"]) if split else (entry, "")
    if not named or (its_port and its_port != str(port)):
        return False
    meant = _address(named)
    if meant or address:
        return meant == address
    domain = named[1:] if named.startswith("*.") else named
    return host.endswith(domain if domain.startswith(".") else f".{domain}") or host == domain
