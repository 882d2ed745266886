"""Kafka: the publisher and the reader of the coupon topic."""
