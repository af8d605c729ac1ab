"""Tests of the border to Kubernetes."""
