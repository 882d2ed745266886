"""Which worker of `make test` begins with what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.dealing import SLOW, TESTS, dealt

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 4
LONGEST = 11  # the most tests of a slow file


@dataclass(frozen=True)
class Item:
    """What a deal looks at of a test."""

    path: Path
    number: int
    is_long: bool = False

    def get_closest_marker(self, name: str) -> str | None:
        return name if self.is_long else None


def of_file(place: str, count: int, *, is_long: bool = False) -> list[Item]:
    return [Item(TESTS / place, number, is_long) for number in range(count)]


def collected() -> list[Item]:
    """As pytest collects: by folder."""
    return [
        *of_file("unit/test_all.py", 503),
        *(item for n in range(9) for item in of_file(f"integration/test_{n}.py", 3 + n)),
        *(item for n in range(5) for item in of_file(f"e2e/test_{n}.py", 1 + n)),
        *of_file("packaging/test_all.py", 100),
        *of_file("fuzz/test_fuzz.py", 11),
        *of_file("faults/test_histories.py", 3, is_long=True),
        *of_file("simulation/test_protocol.py", 2, is_long=True),
    ]


def deal(items: list[Item], workers: int = WORKERS) -> list[Item]:
    return cast("list[Item]", dealt(cast("Any", items), workers))


def pieces(items: list[Item], workers: int = WORKERS) -> list[list[Item]]:
    """As "worksteal" cuts what was dealt."""
    found, left = [], deal(items, workers)
    for remaining in range(workers, 0, -1):
        size = len(left) // remaining
        found.append(left[:size])
        left = left[size:]
    return found


def test_every_test_is_dealt_once() -> None:
    items = collected()
    assert sorted(deal(items), key=items.index) == items


def test_each_worker_begins_with_long_tests_and_ends_with_fast_ones() -> None:
    for piece in pieces(collected()):
        kinds = [0 if item.is_long else 1 if item.path.parent.name in SLOW else 2 for item in piece]
        assert kinds == sorted(kinds)
        assert set(kinds) == {0, 1, 2}


def test_slow_tests_are_shared_out_and_those_of_a_file_stay_together() -> None:
    slow = [
        [item for item in piece if item.path.parent.name in SLOW] for piece in pieces(collected())
    ]
    counts = [len(each) for each in slow]
    assert max(counts) - min(counts) <= LONGEST
    runs = [path for each in slow for path, _ in groupby(each, lambda item: item.path)]
    assert len(runs) == len(set(runs))


@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_fewer_tests_than_workers_are_dealt_as_well(count: int) -> None:
    items = of_file("e2e/test_paths.py", count)
    assert deal(items) == items
