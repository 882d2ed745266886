"""What happens in a history: a load, and faults at moments of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

USERS = 40
QUANTITY = 15
# Where strangers take serials, so that nobody who was accepted is left without one.
QUANTITY_FOR_ALL = 60
# Applications arrive within this time, a third of the users twice; faults fall into it.
LOAD_S = 1.0

# Faults that can make Redis forget what it has answered.
FORGETFUL = frozenset({"redis-flush", "redis-old-copy", "redis-promote"})
# Faults after which the server's run_id is another one: admission starts anew.
NEW_EPOCH = FORGETFUL | {"redis-kill"}
# Faults that make times of admission wrong.
WRONG_TIMES = frozenset({"redis-clock"})
# Faults that let others than the service write coupons into the topic.
STRANGERS = frozenset({"foreign"})
SERVERS = ("redis", "kafka", "mysql")
# What has to be ended; everything else ends by itself, or is over as soon as it is done.
LASTING = frozenset(
    f"{server}-{what}"
    for server in SERVERS
    for what in ("kill", "freeze", "refuse", "slow", "deaf", "silent")
) | {"redis-old-copy", "redis-promote", "mysql-read-only"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do at `at_s` of the history; for_s: how long a fault lasts that has a duration."""

    at_s: float
    kind: str
    target: str = ""
    for_s: float = 0.0

    def __str__(self) -> str:
        target = f" {self.target}" if self.target else ""
        lasting = f" for {self.for_s:.2f} s" if self.for_s else ""
        return f"{self.kind}{target} at {self.at_s:.2f} s{lasting}"

    @property
    def lasts(self) -> bool:
        """Whether it is to be ended after for_s."""
        return self.kind in LASTING

    @property
    def name(self) -> str:
        """What the tally counts it as."""
        return f"{self.kind} {self.target}" if self.kind in {"crash", "hold"} else self.kind


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load and the faults on it, in order of time. arrivals: (at_s, user)."""

    seed: int
    quantity: int
    arrivals: tuple[tuple[float, str], ...]
    faults: tuple[Fault, ...]

    def has(self, kinds: frozenset[str]) -> bool:
        """Tell whether one of these faults is part of it."""
        return any(fault.kind in kinds for fault in self.faults)


def scenario(seed: int, faults: Sequence[Fault], chance: random.Random | None = None) -> Scenario:
    """Return a history with these faults and a load of its seed."""
    chance = chance or random.Random(seed)  # noqa: S311 - as above
    users = [f"u{number}" for number in range(USERS)]
    again = chance.sample(users, USERS // 3)
    arrivals = sorted((chance.uniform(0, LOAD_S), user) for user in [*users, *again])
    ordered = tuple(sorted(faults, key=lambda fault: fault.at_s))
    has_strangers = any(fault.kind in STRANGERS for fault in faults)
    quantity = QUANTITY_FOR_ALL if has_strangers else QUANTITY
    return Scenario(seed, quantity, tuple(arrivals), ordered)
