"""Rebuilding a namespace from the topics, beside the one in force."""
