"""The same tests on the fake publisher and on the real one with a real broker."""

from __future__ import annotations

import dataclasses
import time
import uuid
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.publisher import Publisher
from handlers.domain.coupon import CouponAccepted, OutgoingMessage
from handlers.domain.errors import UnavailableError
from tests.support.fakes import NOW_MS, FakePublisher
from tests.support.single import publish_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

Sent = tuple[bytes, bytes, str]  # key, value, request id
READ_WITHIN_S = 20.0


def soon() -> float:
    """Return a generous deadline for an ack."""
    return time.monotonic() + 10


class Backend(ABC):
    """A publisher, one that gets no acks, and the topic's contents."""

    publisher: Publisher | FakePublisher
    unacknowledged: Publisher | FakePublisher

    @abstractmethod
    def read_back(self, campaign_id: str, count: int) -> list[Sent]:
        """Return the records of a campaign: at least `count`, sorted."""


class FakeBackend(Backend):
    """Lists."""

    def __init__(self) -> None:
        self.publisher: FakePublisher = FakePublisher()
        self.unacknowledged: FakePublisher = FakePublisher(acknowledges=False)

    def read_back(self, campaign_id: str, count: int) -> list[Sent]:
        found = [sent for sent in self.publisher.sent if campaign_id.encode() in sent[1]]
        assert len(found) >= count
        return sorted(found)


class KafkaBackend(Backend):
    """A real topic, read from its beginning."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        silent = dataclasses.replace(
            settings, kafka_bootstrap_servers=("127.0.0.1:1",), kafka_ack_timeout_ms=100
        )
        self.publisher: Publisher = Publisher(settings)
        self.unacknowledged: Publisher = Publisher(silent)

    def close(self) -> None:
        self.publisher.close()
        self.unacknowledged.close()

    def read_back(self, campaign_id: str, count: int) -> list[Sent]:
        topic = self._settings.coupon_topic
        options = connection_options(self._settings) | {"auto_offset_reset": "earliest"}
        with closing(KafkaConsumer(**options)) as consumer:
            partitions = consumer.partitions_for_topic(topic)
            consumer.assign([TopicPartition(topic, number) for number in partitions])
            consumer.seek_to_beginning()
            return sorted(self._read(consumer, campaign_id, count))

    def _read(self, consumer: Any, campaign_id: str, count: int) -> list[Sent]:
        found: list[Sent] = []
        deadline = time.monotonic() + READ_WITHIN_S
        settled = False
        # One poll more than needed: a record too many must be seen, too.
        while not settled and time.monotonic() < deadline:
            settled = len(found) >= count
            for records in consumer.poll(timeout_ms=500).values():
                for one in records:
                    if campaign_id.encode() in (one.value or b""):
                        headers = dict(one.headers)
                        found.append((one.key, one.value, headers["request_id"].decode()))
        return found


class PublisherContract:
    """What every implementation of a publisher promises."""

    def test_an_acknowledged_message_can_be_read_back(
        self, backend: Backend, campaign_id: str
    ) -> None:
        message = CouponAccepted(campaign_id, "42", 37, NOW_MS)
        assert publish_one(backend.publisher, message, "request-1", soon()) is True
        [(key, value, request_id)] = backend.read_back(campaign_id, 1)
        assert (key, request_id) == (b"42", "request-1")
        assert value == message.encode()
        assert CouponAccepted.decode(value) == message

    def test_each_message_is_sent_once(self, backend: Backend, campaign_id: str) -> None:
        for serial in range(1, 21):
            message = CouponAccepted(campaign_id, f"user-{serial:02}", serial, NOW_MS)
            assert publish_one(backend.publisher, message, f"request-{serial:02}", soon())
        found = backend.read_back(campaign_id, 20)
        assert [key.decode() for key, _, _ in found] == [f"user-{n:02}" for n in range(1, 21)]
        assert [request for _, _, request in found] == [f"request-{n:02}" for n in range(1, 21)]

    def test_an_ack_that_comes_too_late_counts_for_nothing(
        self, backend: Backend, campaign_id: str
    ) -> None:
        message = CouponAccepted(campaign_id, "42", 1, NOW_MS)
        assert publish_one(backend.publisher, message, "request-1", time.monotonic() - 1) is False

    def test_of_several_messages_each_is_sent_once_and_acknowledged_for_itself(
        self, backend: Backend, campaign_id: str
    ) -> None:
        sent = [
            OutgoingMessage(
                CouponAccepted(campaign_id, f"user-{n}", n, NOW_MS), f"request-{n}", soon()
            )
            for n in range(1, 6)
        ]
        assert backend.publisher.publish_all(sent) == [True] * 5
        assert backend.read_back(campaign_id, 5) == [
            (f"user-{n}".encode(), sent[n - 1].message.encode(), f"request-{n}")
            for n in range(1, 6)
        ]
        late = OutgoingMessage(
            CouponAccepted(campaign_id, "6", 6, NOW_MS), "6", time.monotonic() - 1
        )
        assert backend.publisher.publish_all([*sent, late]) == [True] * 5 + [False]
        assert backend.unacknowledged.publish_all(sent) == [False] * 5

    def test_a_group_that_is_larger_than_a_batch_is_sent_whole(
        self, backend: Backend, campaign_id: str
    ) -> None:
        sent = [
            OutgoingMessage(CouponAccepted(campaign_id, f"user-{n:04}", n, NOW_MS), str(n), soon())
            for n in range(1, 1501)
        ]
        assert backend.publisher.publish_all(sent) == [True] * 1500
        found = backend.read_back(campaign_id, 1500)
        assert [key.decode() for key, _, _ in found] == [one.message.user_id for one in sent]

    def test_a_broker_that_replies_is_ready(self, backend: Backend) -> None:
        backend.publisher.ping()

    def test_without_a_broker_there_is_no_ack_and_no_error(
        self, backend: Backend, campaign_id: str
    ) -> None:
        message = CouponAccepted(campaign_id, "42", 1, NOW_MS)
        for _ in range(5):  # also with the breaker open
            assert publish_one(backend.unacknowledged, message, "request-1", soon()) is False

    def test_without_a_broker_nothing_is_ready(self, backend: Backend) -> None:
        with pytest.raises(UnavailableError):
            backend.unacknowledged.ping()


class TestOnTheFake(PublisherContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnKafka(PublisherContract):
    @pytest.fixture
    def backend(self, settings: Settings) -> Iterator[KafkaBackend]:
        with closing(KafkaBackend(settings)) as made:
            yield made

    def test_without_its_topic_kafka_is_not_ready(self, settings: Settings) -> None:
        elsewhere = dataclasses.replace(settings, coupon_topic=f"no-such-topic-{uuid.uuid4()}")
        with closing(Publisher(elsewhere)) as publisher:
            for _ in range(2):  # the first does not make it
                with pytest.raises(UnavailableError, match="no-such-topic"):
                    publisher.ping()
