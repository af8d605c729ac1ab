"""Names, addresses and TCP connections, and whose fault it is when there is none."""

import asyncio
import errno
import ipaddress
import os
import socket
import ssl

import aiohappyeyeballs

Address = aiohappyeyeballs.AddrInfoType
_OUR_FAULT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EPERM}
_HAPPY_EYEBALLS_DELAY = 0.25
"""Seconds before the next address is tried as well (RFC 8305, section 8)."""


async def resolve(host: str, port: int) -> list[Address]:
    """Addresses of `host`; a literal needs no resolver. Raises the `OSError` that `getaddrinfo` does."""
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return await _look_up(host, port)
    family = socket.AF_INET if literal.version == 4 else socket.AF_INET6  # noqa: PLR2004 -- IP's version
    address = (host, port) if family == socket.AF_INET else (host, port, 0, 0)
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        return [*await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except socket.gaierror:
        # Without descriptors a resolver can't read its files, and says that there is no such name. That is our fault:
        # this raises what says so.
        os.close(os.open(os.devnull, os.O_RDONLY))
        raise
    except UnicodeError as problem:  # a label that is empty or too long is refused before anybody is asked
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host name") from problem


async def connect(addresses: list[Address]) -> socket.socket:
    """A connection to the first of `addresses` that accepts one, IPv6 and IPv4 by turns. Raises `OSError`."""
    return await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY)


def peer(connection: socket.socket, otherwise: str) -> str:
    """The address that accepted; `otherwise` if it has hung up already."""
    try:
        return str(connection.getpeername()[0])
    except OSError:
        return otherwise


def is_ours(problem: OSError) -> bool:
    """Whether the fault is on our side. The number of an SSLError is OpenSSL's, of which 1 is no EPERM."""
    return not isinstance(problem, ssl.SSLError) and problem.errno in _OUR_FAULT


def reason(problem: OSError) -> str:
    """The system's own words; asyncio puts the address in their place."""
    number = problem.errno or 0
    if number > 0 and not isinstance(problem, ssl.SSLError):
        return os.strerror(number)
    return problem.strerror or str(problem) or type(problem).__name__
