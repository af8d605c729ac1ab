"""How a process of ours serves: run, listen, TLS, authentication, health, metrics, logs.

The lowest layer: it knows nothing of Diego or Kubernetes and imports nothing else of ours.
"""
