"""Events that are not HTTP: Kafka's, S3's, Lambda's invocation records."""
