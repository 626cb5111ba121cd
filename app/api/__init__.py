"""The HTTP API: what programs read of the counters, and how browsers get in."""
