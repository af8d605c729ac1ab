"""Soak: scrapes and webhooks while everything outside breaks. Short in `make test`, long as `make soak`."""
