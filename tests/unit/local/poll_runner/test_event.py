"""The event that the poll runner makes of polled records, and how large it becomes."""

from __future__ import annotations

import json
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.structs import TopicPartition

from local.poll_runner.event import EventSource, encoded_size, kafka_event
from tests.support.paths import EVENTS
from tests.support.polled import P0, SERVERS, record


def as_polled(record: dict[str, Any]) -> Any:
    """Turn a record of a fixture into what kafka-python polls."""
    return SimpleNamespace(
        topic=record["topic"],
        partition=record["partition"],
        offset=record["offset"],
        timestamp=record["timestamp"],
        timestamp_type={"CREATE_TIME": 0, "LOG_APPEND_TIME": 1}[record["timestampType"]],
        key=None if record["key"] is None else b64decode(record["key"]),
        value=None if record["value"] is None else b64decode(record["value"]),
        headers=[
            (name, bytes(byte & 0xFF for byte in value))
            for header in record["headers"]
            for name, value in header.items()
        ],
    )


@pytest.mark.parametrize(
    ("fixture", "source"),
    [("kafka_msk.json", EventSource.MSK), ("kafka_self_managed.json", EventSource.SELF_MANAGED)],
)
def test_the_event_is_field_by_field_the_documented_one(fixture: str, source: EventSource) -> None:
    expected = json.loads((EVENTS / fixture).read_text("utf-8"))
    polled: dict[TopicPartition, list[Any]] = {}
    for name, records in expected["records"].items():
        topic, _, number = name.rpartition("-")
        polled[TopicPartition(topic, int(number))] = [as_polled(item) for item in records]
    assert kafka_event(polled, SERVERS, source) == expected


def test_header_bytes_are_signed_and_a_header_without_value_is_empty() -> None:
    polled = record(0)
    polled.headers = [("all", bytes(range(256))), ("none", None)]
    event = kafka_event({P0: [polled]}, SERVERS, EventSource.MSK)
    (signed,), (empty,) = (
        header.values() for header in event["records"]["coupon_create-0"][0]["headers"]
    )
    assert signed == [*range(128), *range(-128, 0)]
    assert empty == []


@given(
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(
        st.tuples(
            st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=20),
            st.none() | st.binary(max_size=50),
        ),
        max_size=5,
    ),
)
def test_the_estimated_size_is_never_below_the_real_one(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    polled = record(10**18, value=value)
    polled.key, polled.headers, polled.timestamp = key, headers, 10**13
    event = kafka_event({P0: [polled]}, SERVERS, EventSource.MSK)
    real = len(json.dumps(event["records"]["coupon_create-0"][0]))
    assert encoded_size(polled) >= real
