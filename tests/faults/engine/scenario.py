"""The content of a history: a load, and faults with their times."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.engine.acts import Act

USERS = 40
QUANTITY = 15
# Where strangers take serials, each accepted user must still get one.
QUANTITY_FOR_ALL = 60
# Applications arrive within this time, a third of the users twice; faults start in it.
LOAD_S = 1.0

# Faults that can make Redis lose admissions that it has confirmed.
FORGETFUL = frozenset({"redis-flush", "redis-old-copy", "redis-promote", "redis-failover"})
# Faults of the shard that has the campaign, in a cluster (shards.py).
OF_SHARD = frozenset(
    {"shard-kill", "shard-freeze", "shard-takeover", "shard-failover", "shard-move"}
)
# Faults after which Redis is in another history: a rebuild opens the campaign again.
NEW_EPOCH = FORGETFUL | OF_SHARD | {"redis-kill"}
# Of these, the ones that lose Redis when they end, not when they begin; a failover does both.
LOSES_AT_END = frozenset(
    {"redis-old-copy", "redis-promote", "redis-failover", "shard-takeover", "shard-failover"}
)
# Faults that make admission times wrong.
WRONG_TIMES = frozenset({"redis-clock"})
# Faults in which programs other than the service write coupons into the topic.
STRANGERS = frozenset({"foreign"})
SERVERS = ("redis", "kafka", "mysql")
# How the clients of a primary come to the promoted replica (replication.py).
CUT, STAY, SPLIT, SILENT = MOVES = ("cut", "stay", "split", "silent")
# How a shard dies: its replica takes over, or that one is dead as well and both come back empty.
PROMOTED, EMPTIED = DEATHS = ("promoted", "emptied")
# How a slot moves to another shard: key by key, or at once.
KEYS, WHOLE = WAYS = ("keys", "whole")
# A step that ends when every user has a response; what is due later waits for it.
AFTER_LOAD = "after-load"
# A step of a directed history: an act of acts.py, done before the next step.
ACT = "act"
# Faults that the tally counts by their targets.
WITH_TARGET = frozenset({"crash", "hold", "redis-failover", "shard-kill", "shard-move"})
# Faults that have to be ended; all others end by themselves or are instantaneous.
LASTING = (
    frozenset(
        f"{server}-{what}"
        for server in SERVERS
        for what in ("kill", "freeze", "refuse", "slow", "deaf", "silent")
    )
    | {"redis-old-copy", "redis-promote", "redis-failover", "mysql-read-only"}
    | OF_SHARD
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do at `at_s` of the history; for_s: the duration of a fault that has one."""

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
        """Whether it has to be ended after for_s."""
        return self.kind in LASTING

    @property
    def name(self) -> str:
        """The name under which the tally counts it."""
        return f"{self.kind} {self.target}" if self.kind in WITH_TARGET else self.kind


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load and the faults on it, in order of time. arrivals: (at_s, user).

    confirming: REDIS_CONFIRMING_REPLICAS of the programs. acts: what happens besides, on the
    campaign that the faults strike. expires_s: when its coupons expire; release_s: when its second
    half is released; both about from the first application on, 0 for never and at once.
    """

    seed: int
    quantity: int
    arrivals: tuple[tuple[float, str], ...]
    faults: tuple[Fault, ...]
    confirming: int = 0
    acts: tuple[Act, ...] = ()
    expires_s: float = 0.0
    release_s: float = 0.0

    @property
    def has_silent_cut(self) -> bool:
        """Whether a primary is replaced that does not notice."""
        return any(fault.target == SILENT for fault in self.faults)

    @property
    def is_open_to_loss(self) -> bool:
        """Whether a former primary may confirm what is lost: documented, for a setting of 0."""
        return self.has_silent_cut and not self.confirming

    @property
    def has_life(self) -> bool:
        """Whether shops, givers or administrators act in it."""
        return bool(self.acts) or self.has(frozenset({ACT}))

    def has(self, kinds: frozenset[str]) -> bool:
        """Tell whether the scenario has one of these faults."""
        return any(fault.kind in kinds for fault in self.faults)


def scenario(seed: int, faults: Sequence[Fault], chance: random.Random | None = None) -> Scenario:
    """Return a history with these faults and a load drawn from its seed."""
    chance = chance or random.Random(seed)  # noqa: S311 - as above
    users = [f"u{number}" for number in range(USERS)]
    again = chance.sample(users, USERS // 3)
    arrivals = sorted((chance.uniform(0, LOAD_S), user) for user in [*users, *again])
    ordered = tuple(sorted(faults, key=lambda fault: fault.at_s))
    has_strangers = any(fault.kind in STRANGERS for fault in faults)
    quantity = QUANTITY_FOR_ALL if has_strangers else QUANTITY
    return Scenario(seed, quantity, tuple(arrivals), ordered)
