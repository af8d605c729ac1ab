"""Gives the loopback device of this network namespace addresses, then becomes another program.

`python loopback.py ADDRESS/PREFIX... -- COMMAND`. Standard library alone: a small machine need not have `ip`.
"""

import fcntl
import os
import socket
import struct
import sys
from ipaddress import IPv4Address, IPv4Interface

# linux/sockios.h and linux/if.h
_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C
_UP = 0x1


def main(arguments: list[str]) -> None:
    """Set up the device; does not return."""
    end = arguments.index("--")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
        for number, address in enumerate(map(IPv4Interface, arguments[:end])):
            # Each address beside the first has a name of its own; the mask makes the whole network local.
            name = f"lo:{number}".encode()
            fcntl.ioctl(control, _SET_ADDRESS, _request(name, address.ip))
            fcntl.ioctl(control, _SET_MASK, _request(name, address.netmask))
    command = arguments[end + 1 :]
    os.execvp(command[0], command)  # noqa: S606 - the command is the caller's


def _request(name: bytes, address: IPv4Address) -> bytes:
    """A `struct ifreq` with a `struct sockaddr_in`."""
    return struct.pack("16sHH4s8x", name, socket.AF_INET, 0, address.packed)


if __name__ == "__main__":
    main(sys.argv[1:])
