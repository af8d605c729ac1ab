"""Stagekeeper keeps Cloud Foundry's stager available on Kubernetes."""

__version__ = "0.2.0"
