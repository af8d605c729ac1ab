"""`python -m alerts` writes the runbooks from the texts in alerts/runbooks/ and the facts of the rule files."""

from alerts.runbooks.pages import write

write()
