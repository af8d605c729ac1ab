"""The programs against a real Kubernetes API that is stopped, frozen, or does not know them any more."""
