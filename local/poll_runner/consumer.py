"""How the Kafka consumer of the poll runner is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaConsumer
from kafka.errors import (
    AuthorizationError,
    KafkaConfigurationError,
    SaslAuthenticationFailedError,
    UnsupportedVersionError,
)

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.fetched_records import ISOLATION
from local.poll_runner.fast_unpack import use_c_decoder

if TYPE_CHECKING:
    from handlers.config import Settings
    from local.poll_runner.protocol import Consumer

# A topic that is created or recreated while the runner waits is found after this time.
METADATA_MAX_AGE_MS = 5_000
# A member learns from a heartbeat that the group forms anew; it may miss two of them.
HEARTBEATS_PER_SESSION = 3
# The longest time between a broker's return and the next attempt.
RECONNECT_BACKOFF_MS_MAX = 1_000
# One invocation runs between two polls; a slow one must not cost the membership.
POLL_INTERVAL_PER_TIMEOUT = 2
POLL_INTERVAL_MS_MIN = 300_000
# Retrying does not help against these; all other errors may be transient.
FATAL_ERRORS = (
    AuthorizationError,
    KafkaConfigurationError,
    SaslAuthenticationFailedError,
    UnsupportedVersionError,
)


def build_consumer(settings: Settings, session_timeout_ms: int, timeout_s: float) -> Consumer:
    """Return a consumer in the group of `settings` that commits only explicitly."""
    longest_ms = int(timeout_s * 1000) * POLL_INTERVAL_PER_TIMEOUT
    consumer: Consumer = KafkaConsumer(
        **connection_options(settings),
        **ISOLATION,
        group_id=settings.consumer_group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # A topic that the consumer created would have one partition.
        allow_auto_create_topics=False,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms // HEARTBEATS_PER_SESSION,
        max_poll_interval_ms=max(POLL_INTERVAL_MS_MIN, longest_ms),
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        reconnect_backoff_max_ms=RECONNECT_BACKOFF_MS_MAX,
    )
    use_c_decoder(consumer)
    return consumer


def workaround_drained_partition(consumer: Consumer) -> None:
    """Let a resumed partition continue.

    kafka-python 3.0.12 parks the fetched records of a paused partition, and takes them up again
    only while its one slot for the current records is empty. Drained records stay in that slot,
    so a resumed partition would wait for ever, and is not fetched again either.
    """
    fetcher = getattr(consumer, "_fetcher", None)
    if fetcher is not None and not fetcher._next_partition_records:  # noqa: SLF001
        fetcher._next_partition_records = None  # noqa: SLF001
