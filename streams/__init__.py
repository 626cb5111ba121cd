"""What happens to an event: from Kafka records to counters, results and positions."""
