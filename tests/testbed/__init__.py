"""What the tests stand on: a real control plane, network namespaces, and a loud word about what is missing."""
