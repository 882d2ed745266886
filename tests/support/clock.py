"""A clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Shows the same time until a test moves it."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s
