"""What fits into a batch, what a result says of it, and how long a failed partition waits."""

from __future__ import annotations

from typing import Any

import pytest

from local.poll_runner.backoff import DELAY_S_MAX, DELAY_S_MIN, Backoff
from local.poll_runner.batch import Batch, MalformedBatchResponseError, lowest_failures
from local.poll_runner.event import encoded_size
from tests.support.polled import P0, P1, batch_of, record


def failures(*items: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": item} for item in items]}


def test_a_batch_takes_no_more_records_than_its_size_and_names_the_first_left() -> None:
    batch = Batch(records_max=3, bytes_max=1_000_000)
    left = batch.add({P0: [record(5), record(6)], P1: [record(1, P1), record(2, P1)]})
    assert left == {P1: 2}
    assert len(batch) == 3
    assert batch.first_offsets() == {P0: 5, P1: 1}
    assert batch.next_offsets() == {P0: 7, P1: 2}


def test_a_batch_ends_at_its_bytes_but_always_takes_one_record() -> None:
    large = record(0, value=b"x" * 2000)
    batch = Batch(records_max=100, bytes_max=1000)
    assert batch.add({P0: [large, record(1)]}) == {P0: 1}
    assert batch.next_offsets() == {P0: 1}


def test_a_batch_has_room_for_as_many_records_as_will_probably_fit() -> None:
    size = encoded_size(record(0))
    batch = Batch(records_max=100, bytes_max=10 * size, record_bytes=size)
    assert batch.room == 9
    assert batch.add({P0: [record(offset) for offset in range(9)]}) == {}
    assert batch.room == 0


def test_one_large_record_does_not_make_the_next_batches_small_for_ever() -> None:
    large = record(0, value=b"x" * 50_000)
    batch = Batch(records_max=100, bytes_max=100_000, record_bytes=encoded_size(large))
    assert batch.room == 1
    batch.add({P0: [record(1)]})
    assert batch.room == 99


def test_records_of_a_partition_that_came_back_replace_those_collected_before() -> None:
    batch = batch_of(5, 6, 7)
    batch.add({P0: [record(6), record(7), record(8)]})
    assert [item.offset for item in batch.records[P0]] == [5, 6, 7, 8]
    assert len(batch) == 4


def test_a_batch_forgets_partitions_that_went_to_others() -> None:
    batch = batch_of(5, 6, also=(1,))
    batch.keep_only({P1})
    assert batch.first_offsets() == {P1: 1}
    assert len(batch) == 1


@pytest.mark.parametrize(
    "result", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_a_result_without_failures_is_success(result: Any) -> None:
    assert lowest_failures(result, batch_of(5)) == {}


def test_the_lowest_failure_of_each_partition_counts() -> None:
    result = failures(
        {"partition": "coupon_create-0", "offset": 7},
        {"partition": "coupon_create-0", "offset": 6},
        {"partition": "coupon_create-1", "offset": 1},
    )
    assert lowest_failures(result, batch_of(5, 6, 7, also=(1, 2))) == {P0: 6, P1: 1}


@pytest.mark.parametrize(
    "result",
    [
        "ok",
        [],
        {"batchItemFailures": {}},
        {"batchItemFailures": "coupon_create-0"},
        {"batchItemFailures": [None]},
        {"batchItemFailures": [{}]},
        failures(""),
        failures(None),
        failures("coupon_create-0"),
        failures({"partition": "coupon_create-9", "offset": 5}),
        failures({"partition": "", "offset": 5}),
        failures({"partition": None, "offset": 5}),
        failures({"partition": [], "offset": 5}),
        failures({"partition": "coupon_create-0", "offset": None}),
        failures({"partition": "coupon_create-0", "offset": "5"}),
        failures({"partition": "coupon_create-0", "offset": True}),
        failures({"partition": "coupon_create-0", "offset": 4}),
        failures({"partition": "coupon_create-0"}),
        failures({"partition": "coupon_create-0", "offset": 5}, ""),
    ],
)
def test_a_failure_that_names_no_record_of_the_batch_fails_it_whole(result: Any) -> None:
    with pytest.raises(MalformedBatchResponseError):
        lowest_failures(result, batch_of(5))


def test_waits_grow_with_each_failure_within_their_bounds() -> None:
    backoff = Backoff(clock=lambda: 0.0)
    delays = [backoff.failed(P0) for _ in range(50)]
    assert delays[0] == DELAY_S_MIN
    assert all(DELAY_S_MIN <= delay <= DELAY_S_MAX for delay in delays)
    assert min(delays[10:]) >= DELAY_S_MAX / 2


def test_only_the_failed_partition_waits_and_only_until_it_is_due() -> None:
    now_s = [100.0]
    backoff = Backoff(clock=lambda: now_s[0])
    delay_s = backoff.failed(P0)
    assert backoff.waiting() == {P0}
    assert backoff.next_due_in_s() == pytest.approx(delay_s)
    now_s[0] += delay_s
    assert backoff.waiting() == set()
    assert backoff.next_due_in_s() is None
    assert backoff.troubled()
    backoff.succeeded(P0)
    assert not backoff.troubled()


def test_a_partition_that_went_to_others_waits_no_more() -> None:
    backoff = Backoff()
    backoff.failed(P0)
    backoff.keep_only({P1})
    assert not backoff.troubled()
