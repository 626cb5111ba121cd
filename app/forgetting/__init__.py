"""Forgetting: what a journey is made of, what stays of it, and its erasure."""
