"""Stagekeeper keeps Cloud Foundry's stager available on Kubernetes."""

__version__ = "0.1.0"
