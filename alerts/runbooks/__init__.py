"""Runbooks: what is common (commands, headings, shared sentences) is written once, and each page is put together."""
