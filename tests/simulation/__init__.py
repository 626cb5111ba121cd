"""Kafka, store and time in memory, so that workers can be run through every fault within milliseconds."""
