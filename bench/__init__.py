"""Measures this product beside what a user would pick instead, in one run: `make bench`, or `python -m bench`.

docs/performance.md holds the table as last measured and says what each line means.
"""
