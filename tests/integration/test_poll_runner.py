"""The poll runner on a real broker: its event, what comes again, what fits into a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.polling import committed, drive, polling, send

if TYPE_CHECKING:
    from handlers.config import Settings


def test_an_event_has_what_the_broker_knows_of_the_polled_records(own_topic: Settings) -> None:
    headers = [("trace", b"h\xec\x00"), ("trace", b"")]
    (first,) = send(own_topic, [b'{"v":1}'], partition=2, key=b"42", headers=headers)
    send(own_topic, [None], partition=2, key=b"42")
    send(own_topic, [b"no key"], partition=2)
    records: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        events.append(event)
        records.extend(event["records"][f"{own_topic.coupon_topic}-2"])

    with polling(own_topic, note) as runner:
        drive(runner, lambda: len(records) == 3)
    assert events[0].keys() == {"eventSource", "eventSourceArn", "bootstrapServers", "records"}
    assert events[0]["bootstrapServers"] == ",".join(own_topic.kafka_bootstrap_servers)
    assert records[0] == {
        "topic": own_topic.coupon_topic,
        "partition": 2,
        "offset": 0,
        "timestamp": first.timestamp,
        "timestampType": "CREATE_TIME",
        "key": "NDI=",
        "value": "eyJ2IjoxfQ==",
        "headers": [{"trace": [104, -20, 0]}, {"trace": []}],
    }
    assert [record["offset"] for record in records] == [0, 1, 2]
    assert (records[1]["key"], records[1]["value"], records[1]["headers"]) == ("NDI=", None, [])
    assert (records[2]["key"], records[2]["value"]) == (None, "bm8ga2V5")


def test_a_batch_that_failed_comes_again_whole_and_is_committed_only_then(
    own_topic: Settings,
) -> None:
    send(own_topic, [b"0", b"1", b"2"], partition=0)
    seen: list[list[int]] = []

    def fail_twice(event: dict[str, Any], _context: Any) -> None:
        offsets = [record["offset"] for records in event["records"].values() for record in records]
        seen.append(offsets)
        if len(seen) <= 2:
            assert committed(own_topic, 0) is None
            message = "the database is gone"
            raise ConnectionError(message)

    with polling(own_topic, fail_twice) as runner:
        drive(runner, lambda: len(seen) == 3)
    assert seen == [[0, 1, 2]] * 3
    assert committed(own_topic, 0) == 3


def test_after_a_partial_failure_only_the_rest_of_that_partition_comes_again(
    own_topic: Settings,
) -> None:
    send(own_topic, [b"0", b"1", b"2"], partition=0)
    send(own_topic, [b"0", b"1"], partition=1)
    name = f"{own_topic.coupon_topic}-0"
    handled: list[tuple[int, int]] = []
    refused: list[int] = []

    def refuse_once(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        failures = []
        for records in event["records"].values():
            for record in records:
                handled.append((record["partition"], record["offset"]))
                if record["partition"] == 0 and record["offset"] == 1 and not refused:
                    refused.append(1)
                    failures.append({"itemIdentifier": {"partition": name, "offset": 1}})
        return {"batchItemFailures": failures}

    with polling(own_topic, refuse_once) as runner:
        drive(runner, lambda: refused and handled.count((0, 2)) == 2 and (1, 1) in handled)
        assert committed(own_topic, 0) == 3
        assert committed(own_topic, 1) == 2
    assert handled.count((0, 0)) == 1
    assert handled.count((0, 1)) == 2
    assert handled.count((1, 0)) == handled.count((1, 1)) == 1


def test_a_membership_outlives_a_long_backoff(own_topic: Settings) -> None:
    seen: list[int] = []

    def fail_until_the_fifth(_event: dict[str, Any], _context: Any) -> None:
        seen.append(1)
        if len(seen) < 5:
            message = "not yet"
            raise RuntimeError(message)

    send(own_topic, [b"0"], partition=0)
    with polling(own_topic, fail_until_the_fifth) as runner:
        drive(runner, lambda: seen)
        assert runner._consumer is not None
        generation = runner._consumer.group_metadata().generation_id
        drive(runner, lambda: len(seen) == 5)
        assert runner._consumer.group_metadata().generation_id == generation
    assert committed(own_topic, 0) == 1


def test_a_full_batch_does_not_wait_for_the_window(own_topic: Settings) -> None:
    send(own_topic, [b"x"] * 7, partition=0)
    sizes: list[int] = []

    def count(event: dict[str, Any], _context: Any) -> None:
        sizes.append(sum(map(len, event["records"].values())))

    with polling(own_topic, count, batch_size=3, batch_window_ms=300) as runner:
        drive(runner, lambda: sum(sizes) == 7)
    assert sizes == [3, 3, 1]


def test_records_too_large_for_one_event_come_in_several(own_topic: Settings) -> None:
    # In base64 five of them pass Lambda's 6 MB.
    send(own_topic, [b"x" * 1_000_000] * 6, partition=0)
    offsets: list[list[int]] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        assert len(json.dumps(event)) <= 6 * 1024 * 1024
        (records,) = event["records"].values()
        offsets.append([record["offset"] for record in records])

    with polling(own_topic, note, batch_window_ms=1_000) as runner:
        drive(runner, lambda: sum(map(len, offsets)) == 6)
    assert [offset for part in offsets for offset in part] == list(range(6))
    assert len(offsets) > 1
