"""The exporter: publishes what one observation of each environment sees, and nothing that it does not know."""
