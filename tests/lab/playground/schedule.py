"""Schedules of the playground: a seed gives the same actions as in lab/playground/protocol.js."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = "aaaaaaasssssssssssssssssssffffffffffffxluzzwwwdcccgeebbbbttrrm"
ACTIONS = 80
MASK = 2**32 - 1


def mulberry32(seed: int) -> Callable[[], int]:
    """Return a generator of 32-bit numbers."""
    state = seed & MASK

    def draw() -> int:
        nonlocal state
        state = (state + 0x6D2B79F5) & MASK
        mixed = (state ^ state >> 15) * (state | 1) & MASK
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & MASK
        return mixed ^ mixed >> 14

    return draw


def schedule(seed: int, length: int = ACTIONS) -> list[str]:
    """Return actions: a letter and a number each."""
    draw = mulberry32(seed)
    return [f"{WEIGHTS[draw() % len(WEIGHTS)]}{draw() % 12}" for _ in range(length)]
