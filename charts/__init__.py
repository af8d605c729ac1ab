"""The Helm chart, and what `python -m charts` writes for it: values, their schema, profiles, a table for people."""
