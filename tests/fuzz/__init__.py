"""Spoilt bytes for everything that decodes: it must say what is wrong with them, and never anything else."""
