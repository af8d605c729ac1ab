"""Tests of what the field knows: the judgement, the probe, the observation."""
