"""Publishes to Kafka: send, and wait until all in-sync replicas have acknowledged."""

from __future__ import annotations

import time
from functools import cached_property
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError, KafkaTimeoutError

from handlers import log
from handlers.adapters.circuit_breaker import CircuitBreaker
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.group_producer import GroupProducer, KafkaRecord
from handlers.adapters.kafka.metadata import require_topic
from handlers.domain import metrics
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.adapters.kafka.group_producer import Sent
    from handlers.config import Settings
    from handlers.domain.coupon import OutgoingMessage

# One lost ack is bad luck (a leader election); three in a row are an outage.
FAILURES_MAX = 3
# Long enough that nearly no caller waits, short enough to notice soon that the outage is over.
OPEN_S = 5.0
RECONNECT_BACKOFF_MS_MAX = 1000
DELIVERY_TIMEOUT_DIVISOR = 4  # a quarter of KAFKA_ACK_TIMEOUT_MS


class AckTimeoutError(Exception):
    """The time for an ack is over."""


class Publisher:
    """One producer per process, shared by its threads, built when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout_ms = settings.kafka_ack_timeout_ms
        # Most of the time is for starting to send, which may have to connect first; the rest for
        # the delivery, which takes some milliseconds.
        self._delivery_ms = settings.kafka_ack_timeout_ms // DELIVERY_TIMEOUT_DIVISOR
        self._breaker = CircuitBreaker(FAILURES_MAX, OPEN_S, server="kafka")
        self._lock = Lock()
        self._producer: Any = None
        self._is_topic_known = False
        self._failed_pings = 0

    def prepare(self) -> None:
        """Read the authorities of TLS and import the library of MSK's tokens; connect to none."""
        _ = self._options

    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        """Send messages together; return for each whether Kafka acknowledged it in time.

        False means unknown: Kafka may still have it, or get it later. An ack that comes too late
        is ignored, because a rebuild of Redis waits exactly that long for messages in flight.
        There is no background send, since a function may be frozen as soon as it has returned its
        response.
        """
        is_acknowledged = [False] * len(outgoing_messages)
        if not self._breaker.allows():
            metrics.PUBLISHED.inc(("not_sent",), len(is_acknowledged))
            return is_acknowledged
        timely = [n for n, one in enumerate(outgoing_messages) if self._is_timely(one.deadline)]
        failure: Exception | None = None
        batches: list[tuple[list[int], Sent, float]] = []
        try:
            batches = self._send(outgoing_messages, timely)
        except Exception as error:  # noqa: BLE001 - none of them counts as sent
            failure = error
        for indexes, batch, deadline in batches:
            try:
                _await(batch, deadline)
            except Exception as error:  # noqa: BLE001 - this batch is not acknowledged
                failure = error
            else:
                for index in indexes:
                    is_acknowledged[index] = True
        # What came here too late says nothing about Kafka.
        if failure:
            self._failed(failure)
        elif batches:
            self._breaker.succeeded()
        acknowledged = sum(is_acknowledged)
        metrics.PUBLISHED.inc(("acknowledged",), acknowledged)
        metrics.PUBLISHED.inc(("unacknowledged",), len(is_acknowledged) - acknowledged)
        return is_acknowledged

    def _is_timely(self, deadline: float) -> bool:
        """Return whether a delivery that begins now may take its whole timeout."""
        return time.monotonic() <= deadline - self._delivery_ms / 1000

    def _send(
        self, messages: Sequence[OutgoingMessage], indexes: list[int]
    ) -> list[tuple[list[int], Sent, float]]:
        """Send the messages of these indexes; return each batch with its own and its deadline."""
        if not indexes:
            return []
        deadline = min(messages[index].deadline for index in indexes)
        producer = self._connected(deadline)
        if not self._is_timely(deadline):
            raise AckTimeoutError
        records = [_record(messages[index]) for index in indexes]
        left = iter(indexes)
        return [
            (list(islice(left, batch.size)), batch, deadline)
            for batch in producer.send_group(self._settings.coupon_topic, records)
        ]

    def warm_up(self) -> None:
        """Connect before the first message has to wait for it; a failure is harmless."""
        try:
            self._connected(time.monotonic() + self._timeout_ms / 1000)
        except Exception as error:  # noqa: BLE001 - the first message will report the error
            log.warning("Kafka is not there yet", {"cause": type(error).__name__})

    def ping(self) -> None:
        """Raise UnavailableError unless a broker responds now and has the topic.

        Uses the producer and its connections, and makes one where there is none: no call opens a
        connection that applicants would not need. To be called by one thread at a time.
        """
        deadline = time.monotonic() + self._timeout_ms / 1000
        try:
            producer = self._connected(deadline, waits_for_topic=False)
            require_topic(producer, self._settings.coupon_topic, deadline)
        except (KafkaError, OSError, AckTimeoutError) as error:
            self._failed_pings += 1
            if self._failed_pings >= FAILURES_MAX:
                # A producer may fail permanently, and without applicants the breaker sees nothing.
                self._failed_pings = 0
                self._drop(wait_s=0)
            message = "Kafka gave no answer"
            raise UnavailableError(message) from error
        self._failed_pings = 0

    def _failed(self, error: Exception) -> None:
        is_open = self._breaker.failed()
        fields = {"cause": type(error).__name__, "circuit_open": is_open}
        if isinstance(error, (KafkaError, OSError, AckTimeoutError)):
            log.warning("no ack from Kafka", fields)
        else:
            log.exception("the Kafka client failed", fields)
        if is_open:
            # A producer may fail permanently; the breaker's probe starts with a new one.
            self._drop(wait_s=0)

    def close(self) -> None:
        """Send what is in flight and close; harmless when nothing is open."""
        self._drop(wait_s=self._timeout_ms / 1000)

    def _drop(self, wait_s: float) -> None:
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=wait_s)
        except KafkaTimeoutError:
            # close() gives up half-way, its thread still running, when messages are unsent. No
            # caller waits for them any more: publish_all returned False for them.
            producer._sender.force_close()  # noqa: SLF001

    def _connected(self, deadline: float, *, waits_for_topic: bool = True) -> Any:
        # While one thread waits for brokers that are down, the others wait for the lock, but not
        # longer than an ack may take.
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise AckTimeoutError
        try:
            if self._producer is None:
                self._producer, self._is_topic_known = self._connect(), False
            if waits_for_topic and not self._is_topic_known:
                # Here and not in the first send, which would wait for it and then send late.
                self._producer.partitions_for(self._settings.coupon_topic)
                self._is_topic_known = True
            return self._producer
        finally:
            self._lock.release()

    @cached_property
    def _options(self) -> dict[str, Any]:
        return connection_options(self._settings)

    def _connect(self) -> Any:
        return GroupProducer(
            **self._options
            | {
                "bootstrap_timeout_ms": self._timeout_ms,
                # By default kafka-python waits up to 30 s before it tries a broker again.
                "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MS_MAX,
                "acks": "all",
                "enable_idempotence": True,
                # Groups of several threads share requests even so: those that come while one is
                # in flight go with the next. Waiting for more made each send slower by that time.
                "linger_ms": 0,
                "metrics_enabled": False,  # an eighth of a send's time, and no one reads them
                # Each limits one part of a send; the deadline of publish_all() limits the whole.
                "max_block_ms": self._timeout_ms,
                "request_timeout_ms": self._delivery_ms,
                "delivery_timeout_ms": self._delivery_ms,
                "allow_auto_create_topics": False,
            }
        )


def _record(outgoing: OutgoingMessage) -> KafkaRecord:
    message, request_id, _, traceparent = outgoing
    headers = [("request_id", request_id.encode())]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return KafkaRecord(message.user_id.encode(), message.encode(), headers)


def _await(batch: Sent, deadline: float) -> None:
    """Return once the batch is acknowledged; raise its error, or AckTimeoutError when too late."""
    batch.wait(deadline)
    if time.monotonic() > deadline:
        raise AckTimeoutError
