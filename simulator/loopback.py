"""A loopback network of one's own, so that several environments can use port 8889 at once."""

import contextlib
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass

_CLAIM_PORT = 8888
_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class LoopbackNetwork:
    """One 127.X.Y.0/24 and who has which address in it."""

    prefix: str

    @property
    def api(self) -> str:
        """The API server's address."""
        return f"{self.prefix}.1"

    @property
    def bbs_service(self) -> str:
        """The BBS Service's address."""
        return f"{self.prefix}.2"

    @property
    def cloud_controller_service(self) -> str:
        """The Cloud Controller Service's address."""
        return f"{self.prefix}.3"

    @property
    def nodes(self) -> tuple[str, str]:
        """The nodes' addresses."""
        return f"{self.prefix}.4", f"{self.prefix}.5"

    @property
    def pods(self) -> tuple[str, ...]:
        """The pods' addresses."""
        return tuple(f"{self.prefix}.{number}" for number in range(10, 250))


@contextlib.contextmanager
def claim_network() -> Iterator[LoopbackNetwork]:
    """Claim a free /24 for as long as the context lasts. OSError if none of many was free.

    Whoever binds .254 has the network: that is atomic, across processes, and ends with the process.
    """
    for _ in range(_ATTEMPTS):
        network = LoopbackNetwork(f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}")
        claim = socket.socket()
        with claim:
            try:
                claim.bind((f"{network.prefix}.254", _CLAIM_PORT))
                claim.listen(1)
            except OSError:
                continue
            yield network
            return
    raise OSError(
        f"no free loopback network: port {_CLAIM_PORT} was taken on 127.X.Y.254 for all of {_ATTEMPTS} networks tried. "
        f"Find out who listens on 0.0.0.0:{_CLAIM_PORT}."
    )
