"""How Stagekeeper is configured: one reader of YAML, one way to write a duration, one family of errors."""
