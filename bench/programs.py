"""The names of the programs whose processor time is measured."""

LOAD, GATEWAY, REDIS, KAFKA, MYSQL, ALL = "load", "gateway", "Redis", "Kafka", "MySQL", "all"
