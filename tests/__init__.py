"""Tests of Redcat."""
