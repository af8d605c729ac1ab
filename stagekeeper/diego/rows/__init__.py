"""The rows of the table, by subject. Each is a pure function from a look to a diagnosis with its reason, or None."""
