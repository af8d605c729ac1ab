"""What we use of the library `kubernetes`, without the rest of it.

Its packages import everything that they have: the synchronous client, watches, informers, exec over websockets. That
takes half of the time in which this is imported, and 9 MiB for ever. So the two packages on the way to the asynchronous
client are made without running their `__init__`; the modules below them are imported as they are. Nobody else in this
process may expect more of `kubernetes` than that (import-linter sees to it that only this package imports it).
"""

import importlib.util
import sys


def _without_contents(package: str) -> None:
    """Let `package` be there for its submodules. Nothing happens if somebody has imported it already."""
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is None:
        return
    module = sys.modules[package] = importlib.util.module_from_spec(spec)
    parent, _, name = package.rpartition(".")
    if parent:
        setattr(sys.modules[parent], name, module)


_without_contents("kubernetes")
_without_contents("kubernetes.aio")

from kubernetes.aio.client.api_client import ApiClient  # noqa: E402 -- after what is above
from kubernetes.aio.client.configuration import Configuration  # noqa: E402

__all__ = ["ApiClient", "Configuration"]
