"""The servers' side: Redis decides, Kafka hands over, MySQL keeps, AWS holds the secrets."""
