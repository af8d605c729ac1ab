"""Takes Alertmanager's webhook and performs one proven restart."""
