"""The exporter: publishes what one look at each environment sees, and nothing that it does not know."""
