"""The product on a real node: `make test-node`."""
