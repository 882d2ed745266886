"""A stored batch that can be read after all: its row resolves by itself, and never too early."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.domain.fence import Position
from handlers.domain.record import UnreadableBatch
from handlers.rebuild import rebuild_handler
from local.poll_runner import backoff
from local.poll_runner.fast_unpack import PartitionRecords
from tests.support.polling import committed, drive, polling, send, with_own_topic
from tests.support.service import rows

if TYPE_CHECKING:
    from handlers.config import Settings

BATCH = UnreadableBatch("coupon_create", 0, 5, 8, b"bytes", "no codec")


@pytest.fixture
def topic_of_its_own(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    own = with_own_topic(service)
    monkeypatch.setenv("COUPON_TOPIC", own.coupon_topic)
    monkeypatch.setenv("CONSUMER_GROUP", own.consumer_group)
    wiring.reset()
    return own


def without_codec(_records: PartitionRecords, _batch: Any) -> None:
    message = "no codec"
    raise NotImplementedError(message)


def poll(settings: Settings, until: Any) -> None:
    with polling(settings, lambda *_: None, wiring.unreadable_batches().keep) as runner:
        drive(runner, until)


def stored(settings: Settings) -> list[tuple[str, str]]:
    return rows(settings, "SELECT status, detail FROM failed_event")


def consumer_at(offset: int) -> Any:
    return SimpleNamespace(name=BATCH.topic, committed=lambda _: {BATCH.partition: offset})


def test_a_batch_that_the_consumer_has_read_since_is_resolved_and_the_row_and_the_log_say_so(
    topic_of_its_own: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = topic_of_its_own
    monkeypatch.setattr(backoff, "DELAY_S_MAX", 0.2)
    send(settings, [b"noise"], partition=0)
    with monkeypatch.context() as old_program:
        old_program.setattr(PartitionRecords, "_records_of", without_codec)
        poll(settings, lambda: stored(settings))
    detail = "NotImplementedError: no codec; the next batch begins at 1"
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert stored(settings) == [("PENDING", detail)]
    poll(settings, lambda: committed(settings, 0) == 1)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert stored(settings) == [("RESOLVED", f"{detail}; read since: the consumer has committed 1")]
    [line] = [one for one in caplog.records if one.message == "unreadable batch was read since"]
    assert line.__dict__["fields"] == {"place": f"{settings.coupon_topic}-0@0"}


def test_a_consumer_within_the_batch_has_not_read_it(service: Settings) -> None:
    batches = wiring.unreadable_batches()
    assert not batches.keep(BATCH)
    for offset in (0, 5, 7):
        batches.resolve_read(consumer_at(offset))
        assert stored(service) == [("PENDING", "no codec; the next batch begins at 8")]
    batches.resolve_read(consumer_at(8))
    [(status, _)] = stored(service)
    assert status == "RESOLVED"


def test_a_batch_that_was_read_is_no_batch_to_skip_and_waits_again_where_it_is_met_again(
    service: Settings,
) -> None:
    batches = wiring.unreadable_batches()
    batches.keep(BATCH)
    batches.resolve_read(consumer_at(8))
    assert not batches.keep(BATCH)  # as after the group's offsets were set back
    [(status, _)] = stored(service)
    assert status == "PENDING"
    assert batches.skip(Position(BATCH.topic, BATCH.partition, BATCH.offset))
    assert batches.keep(BATCH)


def test_kafka_is_not_asked_where_no_batch_waits(service: Settings) -> None:
    assert service
    wiring.unreadable_batches().resolve_read(SimpleNamespace(name="coupon_create", committed=None))
