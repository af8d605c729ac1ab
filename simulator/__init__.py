"""A simulated environment: a Kubernetes API, a kubelet, Diego's BBS and Locket, and the faults that befall them.

For `make demo` and for tests. Everything runs in one asyncio loop with asyncio timers only, so a test can run it under
fake time. The kubelet, the label keeper and the service proxy speak only HTTP, so they also drive a real API server.
"""
