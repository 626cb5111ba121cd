"""Policies as people write, check, compare and publish them."""
