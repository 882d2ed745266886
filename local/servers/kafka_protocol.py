"""The readiness check of a Kafka broker."""

from __future__ import annotations

import socket

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from handlers.adapters.kafka.client import NetworkClient
from local.servers.ports import HOST

REPLY_TIMEOUT_S = 1.0


def lists_a_broker(port: int) -> bool:
    """Return whether the broker on `port` replies to a metadata request and lists itself."""
    try:
        # The Kafka client logs an error for a closed port; a plain connection does not.
        socket.create_connection((HOST, port), REPLY_TIMEOUT_S).close()
        admin = KafkaAdminClient(
            bootstrap_servers=f"{HOST}:{port}",
            bootstrap_timeout_ms=int(REPLY_TIMEOUT_S * 1000),
            request_timeout_ms=int(REPLY_TIMEOUT_S * 1000),
            kafka_client=NetworkClient,
        )
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
