"""The connection options of every Kafka client of this system (producer, consumer, admin)."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from handlers.adapters.kafka.client import NetworkClient
from handlers.config import KafkaSecurity, Settings

# A Lambda function has little time to connect; a broker that needs longer counts as down.
BOOTSTRAP_TIMEOUT_MS = 5000
CONNECT_TIMEOUT_S = 3.0
# A connection may stay open and pass nothing: a virtual IP moved, a firewall forgot it. A client
# leaves it after this time. Until then a rebuild waits, and its campaigns are closed. A broker
# answers a fetch within half a second, and has the rest of the time to send the records.
REQUEST_TIMEOUT_MS = 10_000


def connection_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments common to all kafka-python clients."""
    common: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_bootstrap_servers),
        "client_id": "seonchak",
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "kafka_client": NetworkClient,
    }
    if settings.kafka_security is KafkaSecurity.PLAINTEXT:
        return common
    common |= {"security_protocol": "SASL_SSL", "ssl_context": ssl.create_default_context()}
    if settings.kafka_security is KafkaSecurity.SASL_SSL_SCRAM:
        return common | {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    from handlers.adapters.kafka.msk_tokens import MskTokens  # noqa: PLC0415 - AWS's library only for it

    tokens = MskTokens(settings.aws_region)
    return common | {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": tokens}


def require_broker(settings: Settings, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
    """Raise OSError unless one of the brokers accepts a connection.

    To be called before a client is built: without a broker a client takes its whole timeout to
    fail, and leaves its sockets to the garbage collector.
    """
    refused: OSError | None = None
    for server in settings.kafka_bootstrap_servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
        except OSError as error:
            refused = error
        else:
            return
    if refused:
        raise refused
