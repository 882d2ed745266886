"""How a Kafka broker is asked whether it serves."""

from __future__ import annotations

import socket

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from local.servers.ports import HOST

ANSWER_TIMEOUT_S = 1.0


def lists_a_broker(port: int) -> bool:
    """Tell whether the broker on `port` answers a metadata request and counts itself in."""
    try:
        # The Kafka client complains in the log about a closed port; a plain connection does not.
        socket.create_connection((HOST, port), ANSWER_TIMEOUT_S).close()
        admin = KafkaAdminClient(
            bootstrap_servers=f"{HOST}:{port}",
            bootstrap_timeout_ms=int(ANSWER_TIMEOUT_S * 1000),
            request_timeout_ms=int(ANSWER_TIMEOUT_S * 1000),
        )
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
