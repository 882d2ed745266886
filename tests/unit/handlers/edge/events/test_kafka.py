"""handlers/edge/events/kafka.py: Lambda's Kafka event, from MSK and from self-managed brokers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.record import Reason, Record
from handlers.edge.events import kafka as kafka_event
from handlers.edge.events.kafka import NotKafkaError
from tests.support.paths import EVENTS
from tests.support.service import message

MESSAGE = message("welcome", "42", 1)


def event_of(*records: dict[str, Any], source: str = "aws:kafka") -> dict[str, Any]:
    return {"eventSource": source, "records": {"coupon_create-0": list(records)}}


def raw(value: bytes | None = b"", **changes: Any) -> dict[str, Any]:
    return {
        "topic": "coupon_create",
        "partition": 0,
        "offset": 7,
        "timestamp": 1_795_316_400_123,
        "timestampType": "CREATE_TIME",
        "key": "NDI=",
        "value": None if value is None else base64.b64encode(value).decode(),
        "headers": [],
        **changes,
    }


def test_a_batch_of_msk_is_decoded_in_its_order() -> None:
    event = json.loads((EVENTS / "kafka_msk.json").read_text(encoding="utf-8"))
    accepted, failed = kafka_event.decode(event)
    assert [(a.record.partition, a.record.offset, a.coupon.serial) for a in accepted] == [
        (0, 15, 1),
        (0, 16, 2),
        (3, 8, 3),
    ]
    assert [a.record.key for a in accepted] == [b"42", b"43", None]
    [nothing] = failed
    assert (nothing.record.offset, nothing.record.value) == (9, None)
    assert (nothing.reason, nothing.detail) == (Reason.UNDECODABLE, "the record has no value")


def test_a_batch_of_ones_own_brokers_is_decoded_the_same() -> None:
    event = json.loads((EVENTS / "kafka_self_managed.json").read_text(encoding="utf-8"))
    [accepted], failed = kafka_event.decode(event)
    assert accepted.coupon.user_id == "42"
    assert kafka_event.partition_name(accepted.record) == "coupon_create-0"
    assert failed == []


@pytest.mark.parametrize("source", ["aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka"])
def test_every_name_of_the_source_is_known(source: str) -> None:
    accepted, _ = kafka_event.decode(event_of(raw(MESSAGE.encode()), source=source))
    assert [a.coupon for a in accepted] == [MESSAGE]


@pytest.mark.parametrize("event", [{}, {"eventSource": "aws:sqs"}, {"eventSource": None}])
def test_an_event_of_another_source_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(NotKafkaError):
        kafka_event.decode({"records": {}, **event})


@pytest.mark.parametrize("records", [None, {}, {"coupon_create-0": []}])
def test_an_event_without_records_is_an_empty_batch(records: object) -> None:
    assert kafka_event.decode({"eventSource": "aws:kafka", "records": records}) == ([], [])


def test_a_record_keeps_its_origin_and_its_bytes() -> None:
    _, [failed] = kafka_event.decode(event_of(raw(b"\xff\x00poison", key=None)))
    assert failed.record == Record(
        "coupon_create", 0, 7, 1_795_316_400_123, None, b"\xff\x00poison", ""
    )


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ([{"request_id": [114, 45, 49]}], "r-1"),
        ([{"trace": [1]}, {"request_id": [-20, -65, -96]}], "쿠"),
        ([{"request_id": [-1, -128, 127]}], "\ufffd\ufffd\x7f"),
        ([{"request_id": []}], ""),
        ([{"request_id": None}], ""),
        ([{"trace": [1]}], ""),
        ([{}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_header_comes_as_signed_bytes(headers: object, request_id: str) -> None:
    _, [failed] = kafka_event.decode(event_of(raw(b"", headers=headers)))
    assert failed.record.request_id == request_id


def test_a_key_only_chose_the_partition() -> None:
    for key in (None, "", "****", "é", base64.b64encode(b"\xff").decode()):
        accepted, failed = kafka_event.decode(event_of(raw(MESSAGE.encode(), key=key)))
        assert [a.coupon for a in accepted] == [MESSAGE]
        assert failed == []


@pytest.mark.parametrize("value", ["****", "a", "YQ", "YQ==YQ==", "é", "\ud800", "YQ==\n"])
def test_a_value_that_is_not_base64_is_stored_as_it_came(value: str) -> None:
    accepted, [failed] = kafka_event.decode(event_of(raw(value=None) | {"value": value}))
    assert accepted == []
    assert failed.reason is Reason.UNDECODABLE
    assert failed.detail == "the value is no base64"
    assert failed.record.value == value.encode("utf-8", "surrogatepass")


def test_a_record_without_a_time_has_time_zero() -> None:
    record = raw(b"")
    del record["timestamp"], record["headers"], record["key"]
    _, [failed] = kafka_event.decode(event_of(record))
    assert (failed.record.timestamp_ms, failed.record.key) == (0, None)


def test_one_poison_record_does_not_spoil_the_others() -> None:
    good = MESSAGE.encode()
    accepted, failed = kafka_event.decode(
        event_of(raw(good, offset=1), raw(b"{", offset=2), raw(None, offset=3), raw(good, offset=4))
    )
    assert [a.record.offset for a in accepted] == [1, 4]
    assert [f.record.offset for f in failed] == [2, 3]


BYTES = st.lists(st.integers(-128, 127), max_size=8)
RECORDS = st.builds(
    lambda value, key, headers: raw() | {"value": value, "key": key, "headers": headers},
    st.none() | st.text() | st.binary().map(lambda b: base64.b64encode(b).decode()),
    st.none() | st.text(),
    st.none() | st.lists(st.dictionaries(st.sampled_from(["request_id", "x"]), BYTES)),
)


@given(st.lists(RECORDS, max_size=4))
def test_every_record_is_either_a_message_or_kept(records: list[dict[str, Any]]) -> None:
    accepted, failed = kafka_event.decode(event_of(*records))
    assert len(accepted) + len(failed) == len(records)
