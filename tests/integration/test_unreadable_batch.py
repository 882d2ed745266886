"""One batch that cannot be read: named, kept, waited for, skipped on demand; all others go on."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.topic_reader import Topic
from handlers.domain.errors import UnavailableError
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from local import skip
from local.poll_runner import backoff
from local.servers import ApacheKafka
from tests.support.damage import damage_on_disk, send_damaged
from tests.support.polling import (
    committed,
    drive,
    places_in,
    polling,
    runner_program,
    send,
    with_own_topic,
)
from tests.support.redis_loss import flush
from tests.support.service import apply, create_campaign, failed_events, message, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handlers.config import Settings
    from local.servers.embedded import KafkaKind

    Spoil = Callable[[bytes, int], None]


@pytest.fixture
def spoilt(
    service: Settings, kafka_kind: KafkaKind, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, Spoil]]:
    """A topic of the test's own, and what appends a damaged batch to a partition of it."""
    monkeypatch.setattr(backoff, "DELAY_S_MAX", 0.2)
    if kafka_kind == "tansu":
        settings = _used(with_own_topic(service), monkeypatch)
        yield settings, lambda value, partition: _sent(send_damaged(settings, [value], partition))
        return
    # A broker that checks what it gets: the damage is on its disk, so the disk must be known.
    with ApacheKafka() as broker:
        own = with_own_topic(replace(service, kafka_bootstrap_servers=(broker.url,)))
        settings = _used(own, monkeypatch)

        def spoil(value: bytes, partition: int) -> None:
            send(settings, [value], partition=partition)
            damage_on_disk(broker, settings, partition, value)

        yield settings, spoil
        # A producer whose broker is gone leaves its sockets to the garbage collector.
        wiring.reset()


def _sent(_replies: list[Any]) -> None:
    return None


def _used(settings: Settings, patch: pytest.MonkeyPatch) -> Settings:
    """Let the service use this topic, too."""
    patch.setenv("KAFKA_BOOTSTRAP_SERVERS", ",".join(settings.kafka_bootstrap_servers))
    patch.setenv("COUPON_TOPIC", settings.coupon_topic)
    patch.setenv("CONSUMER_GROUP", settings.consumer_group)
    wiring.reset()
    return settings


def place_of(settings: Settings, offset: int, partition: int = 0) -> str:
    return f"{settings.coupon_topic}-{partition}@{offset}"


def unreadable() -> list[dict[str, Any]]:
    found = failed_events({"reason": "UNREADABLE"}).body["failed_events"]
    return [one for one in found if isinstance(one, dict)]


def test_the_other_partitions_go_on_and_a_skip_lets_the_damaged_one_go_on(
    spoilt: tuple[Settings, Spoil], capsys: pytest.CaptureFixture[str]
) -> None:
    settings, spoil = spoilt
    send(settings, [b"before"], partition=0)
    spoil(b"damaged", 0)
    send(settings, [b"behind"], partition=0)
    send(settings, [b"elsewhere"] * 3, partition=1)
    handled: list[tuple[int, int]] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        for records in event["records"].values():
            handled.extend((record["partition"], record["offset"]) for record in records)

    with polling(settings, note, wiring.unreadable_batches().keep) as runner:
        drive(runner, lambda: len(handled) == 4 and unreadable())
        assert sorted(handled) == [(0, 0), (1, 0), (1, 1), (1, 2)]
        send(settings, [b"later"], partition=1)
        drive(runner, lambda: (1, 3) in handled)
        [row] = unreadable()
        assert (row["partition_no"], row["offset_no"], row["status"]) == (0, 1, "PENDING")
        assert "checksum is wrong; the next batch begins at 2" in row["detail"]
        assert len(row["payload"]) > 60
        redrive_handler({}, None)
        assert unreadable() == [row]  # no record that could be written
        assert committed(settings, 0) == 1
        assert skip.main([place_of(settings, 1)]) == 0
        assert f"{place_of(settings, 1)} will be passed" in capsys.readouterr().out
        drive(runner, lambda: (0, 2) in handled)
        drive(runner, lambda: committed(settings, 0) == 3)
    assert handled.count((0, 0)) == 1
    [row] = unreadable()
    assert row["status"] == "RESOLVED"
    assert row["detail"].endswith("; skipped by an operator")


def test_the_program_names_the_place_and_obeys_sigterm(
    spoilt: tuple[Settings, Spoil], tmp_path: Path
) -> None:
    settings, spoil = spoilt
    spoil(b"damaged", 0)
    send(settings, [b"elsewhere"], partition=1)
    recorded = tmp_path / "recorded.jsonl"
    with runner_program(settings, recorded) as program:
        line = program.err.until(lambda text: json.loads(text)["message"] == "unreadable batch")
        assert json.loads(line)["place"] == place_of(settings, 0)
        eventually(lambda: places_in(recorded) == {(1, 0)}, "the other partition")
        assert program.stop() == 0


def test_a_rebuild_stays_closed_and_names_the_place_until_the_batch_is_skipped(
    spoilt: tuple[Settings, Spoil], campaign_id: str
) -> None:
    settings, spoil = spoilt
    create_campaign(campaign_id, quantity=5)
    spoil(b"damaged", 2)
    send(settings, [message(campaign_id, "behind", 3).encode()], partition=2)
    flush(settings)
    for _ in range(2):
        with pytest.raises(UnavailableError, match=place_of(settings, 0, 2)):
            rebuild_handler({}, None)
        assert apply(campaign_id, "late").status == 503
    assert [(row["offset_no"], row["status"]) for row in unreadable()] == [(0, "PENDING")]
    assert skip.main([place_of(settings, 0, 2)]) == 0
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "behind").body["serial"] == 3
    assert apply(campaign_id, "late").body["serial"] == 1


def test_a_skip_is_for_these_bytes_and_not_for_another_batch_at_that_place(
    spoilt: tuple[Settings, Spoil],
) -> None:
    settings, spoil = spoilt
    spoil(b"damaged", 0)
    with pytest.raises(UnavailableError):
        list(wiring.topic().unconsumed().records)
    assert skip.main([place_of(settings, 0)]) == 0
    assert list(wiring.topic().unconsumed().records) == []
    # As if the topic had been created again.
    rows(settings, "UPDATE failed_event SET payload = 'another batch'")
    with pytest.raises(UnavailableError):
        list(wiring.topic().unconsumed().records)


def test_skip_refuses_what_it_does_not_know_or_understand(
    service: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert skip.main([f"{service.coupon_topic}-0@7"]) == 1
    assert "no unreadable batch waits at coupon_create-0@7" in capsys.readouterr().err
    for wrong in ("coupon_create", "coupon_create-0", "coupon_create-x@1", "@"):
        with pytest.raises(SystemExit, match="2"):
            skip.main([wrong])
        assert "topic-partition@offset" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "mysql://root:database-password@127.0.0.1:1/coupons")
    wiring.reset()
    assert skip.main(["coupon_create-0@7"]) == 1
    shown = capsys.readouterr().err
    assert "Not skipped: " in shown
    assert "database-password" not in shown


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_topic_that_the_broker_compresses_is_read(settings: Settings, codec: str) -> None:
    name = f"poll-{uuid.uuid4().hex[:12]}"
    own = replace(settings, coupon_topic=name, consumer_group=f"group-{name}")
    with closing(KafkaAdminClient(**connection_options(own))) as admin:
        configs = {"compression.type": codec}
        admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    values: list[bytes | None] = [f"{n} ".encode() * 9000 for n in range(5)]
    send(own, values, partition=0)
    assert [record.value for record in Topic(own).unconsumed().records] == values
    seen: list[int] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        seen.extend(
            len(record["value"]) for [*some] in event["records"].values() for record in some
        )

    with polling(own, note) as runner:
        drive(runner, lambda: len(seen) == len(values))
