"""A package so that `tests.testbed` is found under one name only; test folders need no `__init__.py` of their own."""
