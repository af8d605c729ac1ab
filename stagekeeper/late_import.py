"""Importing what a command needs once it is known which command runs."""

import gc
import importlib
from typing import Any


def imported(target: str) -> Any:
    """Give what `module:attribute` names, importing its module if nobody has; raises what the import raises.

    The garbage collector stands still meanwhile and passes over all of it afterwards: modules stay, and looking
    through them again and again takes an eighth of a program's start.
    """
    module, _, attribute = target.partition(":")
    gc.disable()
    try:
        return getattr(importlib.import_module(module), attribute)
    finally:
        gc.freeze()
        gc.enable()
