"""Simulated history for trying rules: counters minute by minute, with incidents whose truth is known."""
