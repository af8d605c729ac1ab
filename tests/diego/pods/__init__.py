"""Pods in the states in which kubelets, schedulers and controllers leave them."""
