"""What a migration sets up: the schema, the topic, the mark in Redis."""
