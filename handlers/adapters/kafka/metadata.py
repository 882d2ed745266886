"""Asks the brokers for a topic, over the connections that a producer has already."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

from kafka.errors import KafkaTimeoutError, RetriableError, UnknownTopicOrPartitionError

from handlers.domain.errors import UnavailableError

# The first may be to a request that was on its way, and did not name the topic yet.
ANSWERS_MAX = 2


def require_topic(producer: Any, topic: str, deadline: float) -> None:
    """Return once a broker has sent the topic's metadata, which it is asked for now.

    Raises UnavailableError where Kafka has no such topic, KafkaTimeoutError after `deadline`
    (time.monotonic()), and other KafkaErrors that no repetition ends. kafka-python offers this
    only for a topic that the producer does not know yet: hence the private names.
    """
    producer._sender.add_topic(topic)  # noqa: SLF001
    answers = 0
    while answers < ANSWERS_MAX:
        failure = _next_failure(producer, deadline)
        if isinstance(failure, UnknownTopicOrPartitionError):
            break
        if failure is None:
            if producer._metadata.partitions_for_topic(topic):  # noqa: SLF001
                return
            answers += 1
        elif not isinstance(failure, RetriableError):
            raise failure
        # Else a connection was stale, as after a Lambda's pause; the library makes a new one.
    message = f"Kafka has no topic {topic}"
    raise UnavailableError(message)


def _next_failure(producer: Any, deadline: float) -> Exception | None:
    """Wait for the next answer with metadata; return None, or why it did not come."""
    answered = Event()
    future = producer._metadata.request_update()  # noqa: SLF001
    future.add_both(lambda _: answered.set())
    producer._sender.wakeup()  # noqa: SLF001
    if not answered.wait(max(0.0, deadline - time.monotonic())):
        message = "no metadata in time"
        raise KafkaTimeoutError(message)
    failure: Exception | None = future.exception
    return failure
