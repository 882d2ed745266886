"""Counts over time in few buckets, and quantiles."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.histogram import BUCKETS_MAX, WIDTHS_MS, TimeHistogram, quantile
from handlers.domain.times import LATEST_MS


def test_each_width_is_a_multiple_of_the_one_before_and_the_last_holds_every_time() -> None:
    pairs = pairwise(WIDTHS_MS)
    assert all(wider % width == 0 and wider > width for width, wider in pairs)
    assert LATEST_MS // WIDTHS_MS[-1] < BUCKETS_MAX


@given(st.lists(st.lists(st.integers(0, LATEST_MS), max_size=150), max_size=8))
def test_no_time_is_lost_whatever_the_pieces_are(pieces: list[list[int]]) -> None:
    histogram = TimeHistogram()
    for piece in pieces:
        histogram.add((time_ms // histogram.width_ms, 1) for time_ms in list(piece))
    every = [time_ms for piece in pieces for time_ms in piece]
    width_ms = histogram.width_ms
    expected = Counter(time_ms // width_ms * width_ms for time_ms in every)
    assert dict(histogram.buckets()) == expected
    assert len(histogram.buckets()) <= BUCKETS_MAX


def test_a_time_far_away_costs_one_bucket_and_no_precision() -> None:
    histogram = TimeHistogram()
    histogram.add([(number, 1) for number in range(BUCKETS_MAX - 1)])
    histogram.add([(LATEST_MS // 10, 1)])
    assert histogram.width_ms == 10


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7], 0.5, 7),
        ([1, 2], 0.5, 1),
        ([1, 2, 3], 0.5, 2),
        ([-5, 1, 1, 9], 0.5, 1),
        (range(1, 101), 0.95, 95),
        (range(1, 101), 1, 100),
    ],
)
def test_a_quantile_is_a_value_that_occurs(
    values: list[int], share: float, expected: int | None
) -> None:
    assert quantile(Counter(values), share) == expected
