"""Seeded traffic in the shape of the input topics, and the truth that Redcat must arrive at."""
