"""Grafana dashboards for Stagekeeper: one source, from which `python -m dashboards` writes the JSON files."""
