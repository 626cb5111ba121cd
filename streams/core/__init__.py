"""The meaning of the numbers: pure functions of journeys and policies."""
