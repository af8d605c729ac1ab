"""The alert rules (YAML), their examples and tests, and the runbooks, which `python -m alerts` writes."""
