"""Chaos on the real servers: continuous traffic with a known truth, random faults, and watchers of the results."""
