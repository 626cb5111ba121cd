"""The audit: whether everything that Redcat remembers fits together."""
