"""Prometheus rules for Stagekeeper: one source, from which `python -m alerts` writes every rule file."""
