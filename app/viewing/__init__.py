"""What people and programs see of the counters, each party its own: one read model for HTTP API and dashboard."""
