"""Measures this product beside what a user would pick instead; docs/performance.md has the last table."""
