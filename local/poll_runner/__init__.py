"""Lambda's event source mapping for Kafka, locally."""
