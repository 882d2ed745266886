"""The parts of a migration: the schema, the topic, the epoch in Redis."""
