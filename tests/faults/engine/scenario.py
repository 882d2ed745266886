"""What happens in a history: drawn from its seed alone, so that a seed can be played again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults import points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USERS = 40
QUANTITY = 15
# Applications arrive within this time, a third of the users twice; faults fall into it.
LOAD_S = 1.2
FAULTS_MAX = 4

# Faults that can make Redis forget what it has answered.
FORGETFUL = frozenset({"redis-flush", "redis-old-copy"})
# Faults after which the server's run_id is another one: admission starts anew.
NEW_EPOCH = FORGETFUL | {"redis-kill"}


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


def draw(seed: int, kafka: str = "tansu") -> Scenario:
    """Return the history of `seed`."""
    chance = random.Random(seed)  # noqa: S311 - the same for everybody is what is wanted
    kinds = KINDS if kafka == "tansu" else [*KINDS, _kafka_kill]
    faults: list[Fault] = []
    for _ in range(chance.randint(1, FAULTS_MAX)):
        faults += chance.choice(kinds)(chance, chance.uniform(0.1, LOAD_S))
    return scenario(seed, faults, chance)


def scenario(seed: int, faults: Sequence[Fault], chance: random.Random | None = None) -> Scenario:
    """Return a history with these faults and a load of its seed."""
    chance = chance or random.Random(seed)  # noqa: S311 - as above
    users = [f"u{number}" for number in range(USERS)]
    again = chance.sample(users, USERS // 3)
    arrivals = sorted((chance.uniform(0, LOAD_S), user) for user in [*users, *again])
    ordered = tuple(sorted(faults, key=lambda fault: fault.at_s))
    return Scenario(seed, QUANTITY, tuple(arrivals), ordered)


def _kill(chance: random.Random, at_s: float) -> list[Fault]:
    program = chance.choice(["gateway", "poller-1", "poller-2", "scheduler"])
    return [Fault(at_s, "kill", program, chance.uniform(0.05, 0.5))]


def _crash(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "crash", chance.choice([*points.GATEWAY[:2], *points.CONSUMER]))]


def _crash_durable(chance: random.Random, at_s: float) -> list[Fault]:
    """Kafka has to be out of reach for an admission to be put on Redis's disk."""
    frozen = Fault(at_s, "kafka-freeze", for_s=chance.uniform(0.8, 1.5))
    return [frozen, Fault(at_s, "crash", points.GATEWAY[2])]


def _crash_relay(chance: random.Random, at_s: float) -> list[Fault]:
    """Somebody has to be left pending for the relay to do anything."""
    orphan = Fault(at_s, "crash", points.GATEWAY[0])
    return [orphan, Fault(at_s + 0.1, "crash", chance.choice(points.RELAY))]


def _crash_redrive(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "forged"), Fault(at_s + 0.1, "crash", chance.choice(points.REDRIVE))]


def _crash_rebuild(chance: random.Random, at_s: float) -> list[Fault]:
    lost = chance.choice([_redis_kill, _redis_flush, _redis_old_copy])(chance, at_s)
    return [*lost, Fault(at_s, "crash", chance.choice(points.REBUILD))]


def _held_apply(chance: random.Random, at_s: float) -> list[Fault]:
    """An apply stands between the script and Kafka while Redis is lost and rebuilt."""
    lost = chance.choice([_redis_kill, _redis_flush, _redis_old_copy])(chance, at_s + 0.1)
    return [Fault(at_s, "hold", points.GATEWAY[0], chance.uniform(0.2, 1.5)), *lost]


def _flush_in_rebuild(chance: random.Random, at_s: float) -> list[Fault]:
    """Redis is lost again while it is rebuilt, on the same run of the server."""
    point = chance.choice(points.REBUILD[1:4])
    again_s = at_s + chance.uniform(1.5, 2.3)
    first, second = Fault(at_s, "redis-flush"), Fault(again_s, "redis-flush")
    return [first, Fault(at_s, "hold", point, 1.0), second]


def _redis_kill(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "redis-kill", for_s=chance.uniform(0, 0.3))]


def _redis_flush(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "redis-flush")]


def _redis_old_copy(chance: random.Random, at_s: float) -> list[Fault]:
    """The copy is taken at its time, and is what Redis comes back with after for_s."""
    return [Fault(at_s, "redis-old-copy", for_s=chance.uniform(0.3, 1.0))]


def _freeze(chance: random.Random, at_s: float) -> list[Fault]:
    server = chance.choice(["redis", "mysql", "kafka"])
    return [Fault(at_s, f"{server}-freeze", for_s=chance.uniform(0.2, 1.5))]


def _mysql_kill(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "mysql-kill", for_s=chance.uniform(0, 0.5))]


def _mysql_locked(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "mysql-locked", for_s=chance.uniform(0.2, 1.0))]


def _cut(chance: random.Random, at_s: float) -> list[Fault]:
    server = chance.choice(["redis", "mysql"])
    return [Fault(at_s + 0.1 * number, f"{server}-cut") for number in range(3)]


def _two_schedulers(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "two-schedulers"), *chance.choice([_redis_kill, _crash])(chance, at_s)]


def _duplicates(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "duplicates"), Fault(at_s + chance.uniform(0.2, 0.6), "duplicates")]


def _forged(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "forged")]


def _kafka_kill(chance: random.Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "kafka-kill", for_s=chance.uniform(0, 0.5))]


KINDS: list[Callable[[random.Random, float], list[Fault]]] = [
    _kill,
    _kill,
    _crash,
    _crash,
    _crash_durable,
    _crash_relay,
    _crash_redrive,
    _crash_rebuild,
    _held_apply,
    _flush_in_rebuild,
    _redis_kill,
    _redis_flush,
    _redis_old_copy,
    _freeze,
    _mysql_kill,
    _mysql_locked,
    _cut,
    _two_schedulers,
    _duplicates,
    _forged,
]
