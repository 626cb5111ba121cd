"""Alerts: what is measured against what was to be expected, and what people are told of it."""
