"""Whether a worker lives, is ready, and how far behind it is."""
