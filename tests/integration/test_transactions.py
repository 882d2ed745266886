"""Records of transactions: what was aborted becomes no coupon, and a rebuild does not know it."""

from __future__ import annotations

from binascii import a2b_base64
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.fetched_records import ISOLATION
from handlers.adapters.kafka.topic_reader import Topic
from tests.support.backlog import values_of
from tests.support.polling import committed, drive, polling
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from handlers.config import Settings
    from local.servers.embedded import KafkaKind

COMMITTED = [b"before", b"committed", b"after"]
EVERYTHING = [b"before", b"aborted", b"committed", b"aborted, too", b"after"]


def send_in_transactions(settings: Settings) -> None:
    """Send to one partition, alone and in transactions, two of which are aborted."""
    options = connection_options(settings)
    with (
        closing(KafkaProducer(**options)) as alone,
        closing(KafkaProducer(**options, transactional_id=settings.coupon_topic)) as producer,
    ):

        def send(sender: Any, value: bytes) -> None:
            sender.send(settings.coupon_topic, value, partition=0).get(timeout=WAIT_S)

        send(alone, b"before")
        producer.init_transactions()
        for value, end in (
            (b"aborted", producer.abort_transaction),
            (b"committed", producer.commit_transaction),
            (b"aborted, too", producer.abort_transaction),
        ):
            producer.begin_transaction()
            send(producer, value)
            end()
        send(alone, b"after")


@pytest.fixture
def expected(kafka_kind: KafkaKind) -> list[bytes]:
    """What a consumer gets. Tansu does not tell it which transactions were aborted."""
    return COMMITTED if kafka_kind == "apache" else EVERYTHING


def test_the_poll_runner_hands_on_what_is_committed_and_nothing_else(
    own_topic: Settings, expected: list[bytes]
) -> None:
    send_in_transactions(own_topic)
    values: list[bytes] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        for records in event["records"].values():
            values.extend(a2b_base64(record["value"]) for record in records)

    with polling(own_topic, note) as runner:
        drive(runner, lambda: len(values) >= len(expected))
    assert values == expected
    assert committed(own_topic, 0) is not None


def test_a_rebuild_reads_what_is_committed_and_nothing_else(
    own_topic: Settings, expected: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    send_in_transactions(own_topic)
    assert values_of(Topic(own_topic).unconsumed()) == expected
    # The negative control.
    monkeypatch.setitem(ISOLATION, "isolation_level", "read_uncommitted")
    assert values_of(Topic(own_topic).unconsumed()) == EVERYTHING
