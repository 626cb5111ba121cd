"""Detectors: pure functions over arrays, each with the source of its method; no clock, no files, no network."""
