"""How tests of the probe ask a listener."""

from stagekeeper.diego.observation import Probe
from stagekeeper.diego.probe import Prober
from tests.diego.listeners import Certificates, environment

ENOUGH = 60.0
"""Seconds for a probe that is expected to end by itself."""
SHORT = 0.25
"""Seconds for a probe that is expected to be cut off."""


async def ask(port: int, certs: Certificates, timeout: float = ENOUGH, host: str = "127.0.0.1") -> Probe:
    """What a probe of `host` meets."""
    found = await Prober(environment(port, certs.client)).ask(host, timeout)
    assert isinstance(found, Probe)
    return found
