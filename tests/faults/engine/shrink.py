"""Makes a failing history smaller: removes all parts without which it still fails."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.engine.scenario import Scenario

T = TypeVar("T")


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Return the smallest history found, by delta debugging (Zeller and Hildebrandt, 2002).

    `fails` plays a history and tells whether it breaks the same promise; False for all stops it.
    """

    fails = cache(fails)  # the same part comes up again with another chunk size

    def with_faults(faults: Sequence[object]) -> Scenario:
        return dataclasses.replace(scenario, faults=tuple(faults))  # type: ignore[arg-type]

    faults = _fewest(scenario.faults, lambda part: fails(with_faults(part)))
    small = with_faults(faults)
    arrivals = _fewest(
        small.arrivals, lambda part: fails(dataclasses.replace(small, arrivals=tuple(part)))
    )
    small = dataclasses.replace(small, arrivals=tuple(arrivals))
    acts = _fewest(small.acts, lambda part: fails(dataclasses.replace(small, acts=tuple(part))))
    return dataclasses.replace(small, acts=tuple(acts))


def _fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return a part of `items` that still fails; without any one item of it, it does not fail."""
    part = list(items)
    size = len(part)
    while size and part:
        smaller = _without_one_chunk(part, min(size, len(part)), fails)
        if smaller is not None:
            part = smaller
        elif size == 1:
            break
        else:
            size = -(-size // 2)
    return part


def _without_one_chunk(
    items: list[T], size: int, fails: Callable[[Sequence[T]], bool]
) -> list[T] | None:
    for start in range(0, len(items), size):
        rest = items[:start] + items[start + size :]
        if fails(rest):
            return rest
    return None
