"""The only package that imports the `kubernetes` client; everybody else sees plain values and our own errors."""
