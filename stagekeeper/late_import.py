"""Importing what a command needs once it is known which command runs."""

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NOBODY = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
"""Where OpenSSL finds no authority (openssl.org/docs, SSL_CTX_set_default_verify_paths)."""


def imported(target: str) -> Any:
    """Give what `module:attribute` names, importing its module if nobody has; raises what the import raises.

    The garbage collector stands still meanwhile and passes over all of it afterwards: modules stay, and looking
    through them again and again takes an eighth of a program's start.
    """
    module, _, attribute = target.partition(":")
    gc.disable()
    try:
        with _trusting_nobody():
            return getattr(importlib.import_module(module), attribute)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _trusting_nobody() -> Iterator[None]:
    """Let TLS contexts that are made meanwhile trust nobody.

    aiohttp makes two when it is imported, and would keep all of the system's authorities in each: 2.7 MiB that nobody
    uses, for every connection of ours has a context of its own.
    """
    before = {name: os.environ.get(name) for name in _NOBODY}
    os.environ.update(_NOBODY)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
