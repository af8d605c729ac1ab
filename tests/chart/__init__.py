"""Tests of the Helm chart: rendered by the real Helm, installed on the real Kubernetes API."""
