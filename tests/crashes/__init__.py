"""Remediators that die, stall or race, on a real API server, with BBS on pod addresses.

`test_crashes.py` runs `stories` inside a network namespace, where pods and Services have their real addresses; it plays
its stories and writes down what it saw as JSON, and the tests judge that.
"""
