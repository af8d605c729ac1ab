"""Tests of the image, as far as they need no container engine: its tree is built, and its programs run from it."""
