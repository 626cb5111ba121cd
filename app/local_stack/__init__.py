"""The embedded servers: a real Apache Kafka and a real Valkey from wheels, for demo, tests and development."""
