"""The whole loop with everything real: control plane, Prometheus, Alertmanager, our programs, BBS on pod addresses.

`test_loop.py` and `test_crashes.py` each run one program of this folder inside a network namespace of its own, where
pods and Services have their real addresses; the program plays its stories and writes down what it saw as JSON, and the
tests judge that.
"""
