"""How long a test waits for what must happen before it says that something hangs.

Many times what it takes, since somebody else may use the machine: a guard against hanging, no claim about speed.
"""

HANG_GUARD = 300.0
"""Seconds."""
