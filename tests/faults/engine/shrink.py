"""Makes a failing history smaller: what can be left out while it still fails is left out."""

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

    `fails` plays a history and tells whether it breaks the same promise; to stop, let it say no.
    """

    fails = cache(fails)  # the same part comes up again with chunks of another size

    def with_faults(faults: Sequence[object]) -> Scenario:
        return dataclasses.replace(scenario, faults=tuple(faults))  # type: ignore[arg-type]

    faults = _fewest(scenario.faults, lambda kept: fails(with_faults(kept)))
    small = with_faults(faults)
    arrivals = _fewest(
        small.arrivals, lambda kept: fails(dataclasses.replace(small, arrivals=tuple(kept)))
    )
    return dataclasses.replace(small, arrivals=tuple(arrivals))


def _fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return a part of `items` that still fails, from which no single one can be left out."""
    kept = list(items)
    size = len(kept)
    while size and kept:
        smaller = _without_one_chunk(kept, min(size, len(kept)), fails)
        if smaller is not None:
            kept = smaller
        elif size == 1:
            break
        else:
            size = -(-size // 2)
    return kept


def _without_one_chunk(
    items: list[T], size: int, fails: Callable[[Sequence[T]], bool]
) -> list[T] | None:
    for start in range(0, len(items), size):
        rest = items[:start] + items[start + size :]
        if fails(rest):
            return rest
    return None
