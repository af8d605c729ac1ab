"""Fuzzing: the same targets for Hypothesis (`make test`) and for atheris (`make fuzz`), and the corpus they share."""
