"""Deals the tests out to the workers of a run, so that all end at about the same time.

pytest-xdist's "worksteal" gives each worker one piece of all tests, as many as the others', in
their order; a worker that has done its own takes half of what another has left. A minute that
begins last is waited for by all. So each piece begins with long tests, then come those that start
programs and servers, then the thousands that take a moment.
"""

from __future__ import annotations

from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

# These mostly wait; the first ones wait longest.
SLOW = ("e2e", "fuzz", "integration")
TESTS = Path(__file__).parents[1]


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the same tests in the order in which `workers` are to get them."""
    hands: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, item in enumerate(item for item in items if is_long(item)):
        hands[number % workers].append(item)
    short = [item for item in items if not is_long(item)]
    for folder in SLOW:
        for file in _files(item for item in short if _folder(item) == folder):
            min(hands, key=len).extend(file)
    fast = iter([item for item in short if _folder(item) not in SLOW])
    for hand, size in zip(hands, _sizes(len(items), workers), strict=True):
        hand.extend(islice(fast, max(0, size - len(hand))))
    return [*(item for hand in hands for item in hand), *fast]


def is_long(item: pytest.Item) -> bool:
    """Whether a test takes a minute."""
    return item.get_closest_marker("long") is not None


def _files(items: Iterator[pytest.Item]) -> list[list[pytest.Item]]:
    """Return the tests of each file, which may share servers; the files with the most first."""
    files = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    return sorted(files, key=len, reverse=True)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""


def _sizes(tests: int, workers: int) -> list[int]:
    """Return how many tests xdist gives to each worker."""
    sizes: list[int] = []
    for left in range(workers, 0, -1):
        sizes.append((tests - sum(sizes)) // left)
    return sizes
