"""Lanes, journeys and counters in Redis or Valkey."""
