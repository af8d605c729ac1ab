"""Hypothesis without a limit on the time of one example: the machine is shared, and speed is not the claim here."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
