"""The servers: Redis decides, Kafka delivers, MySQL stores, AWS holds the secrets."""
