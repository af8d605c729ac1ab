"""Incidents as files: written down or made up by anybody, replayed through the product's own judgement, offline.

docs/incident-format.md describes the files; tests/incidents holds the corpus.
"""
