"""`python -m simulator.demo`: a stager dies on this machine, and the real programs bring it back."""

from simulator.demo.command import command

__all__ = ["command"]
