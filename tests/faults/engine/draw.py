"""Draws histories, each from its seed alone, so that a seed can be played again."""

from __future__ import annotations

import dataclasses
import random
from random import Random
from typing import TYPE_CHECKING

from tests.faults import points
from tests.faults.engine import redis_faults, shard_faults
from tests.faults.engine.draw_acts import with_acts
from tests.faults.engine.scenario import LOAD_S, SERVERS, Fault, Scenario, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[Random, float], list[Fault]]

FAULTS_MAX = 3
HOUR_S = 3600


def draw(seed: int, kafka: str = "tansu", redis: str = "single") -> Scenario:
    """Return the history of `seed`: all kinds of faults are about equally frequent.

    redis: "replicas" where a replica runs all the time: then that one is promoted, and in half of
    the histories confirms admissions. "cluster": each history begins with a fault of the shard that
    has the campaign.
    """
    chance = random.Random(seed)  # noqa: S311 - the same seed must give the same history
    kinds = KINDS if kafka == "tansu" else [*KINDS, _kafka_kill]
    if redis == "replicas":
        kinds = [*kinds, *OF_REPLICAS]
    if redis == "cluster":
        kinds = [*kinds, *shard_faults.OF_CLUSTER]
    firsts = shard_faults.OF_CLUSTER if redis == "cluster" else kinds
    chosen = [
        firsts[seed % len(firsts)],
        *chance.choices(kinds, k=chance.randint(0, FAULTS_MAX - 1)),
    ]
    faults: list[Fault] = []
    for kind in chosen:
        faults += kind(chance, chance.uniform(0.1, LOAD_S))
    if redis == "replicas":
        faults = [redis_faults.of_replica(chance, fault) for fault in faults]
    if redis == "cluster":
        faults = [shard_faults.of_shard(fault) for fault in faults]
    drawn = scenario(seed, faults, chance)
    if redis == "replicas":
        drawn = dataclasses.replace(drawn, confirming=chance.randint(0, 1))
    return with_acts(drawn)


def _kill(chance: Random, at_s: float) -> list[Fault]:
    program = chance.choice(["gateway", "poller-1", "poller-2", "scheduler"])
    return [Fault(at_s, "kill", program, chance.uniform(0.05, 0.5))]


def _crash_apply(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s / 3, "crash", chance.choice(points.GATEWAY))]


def _crash_consumer(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s / 3, "crash", chance.choice(points.CONSUMER))]


def _direct(chance: Random, at_s: float) -> list[Fault]:
    """Make Kafka unreachable, so that apply writes rows itself; end or pause it on the way."""
    out = _kafka_silent(chance, at_s / 3)
    if chance.random() < 0.5:
        return [out, Fault(at_s / 3, "crash", chance.choice(points.DIRECT))]
    paused = Fault(at_s / 3, "hold", chance.choice(points.DIRECT), chance.uniform(0.2, 1.5))
    return [out, paused, *redis_faults.any_loss(chance, at_s / 3 + 0.1)]


def _lost_while_kafka_is_silent(chance: Random, at_s: float) -> list[Fault]:
    """Empty Redis while no other server but MySQL can have the admissions."""
    out = _kafka_silent(chance, at_s / 3)
    lose = chance.choice(
        [redis_faults.redis_flush, redis_faults.redis_old_copy, redis_faults.redis_promote]
    )
    return [out, *lose(chance, out.at_s + chance.uniform(0.1, out.for_s))]


def _late(chance: Random, at_s: float) -> list[Fault]:
    """Send a record after a rebuild of Redis has read the topic."""
    held = Fault(at_s / 3, "hold", "gateway.unsent", chance.uniform(0.4, 0.85))
    return [held, Fault(held.at_s + 0.05, "redis-flush")]


def _kafka_silent(chance: Random, at_s: float) -> Fault:
    outage = chance.choice(["kafka-freeze", "kafka-silent", "kafka-refuse", "kafka-deaf"])
    return Fault(at_s, outage, for_s=chance.uniform(0.8, 1.5))


def _crash_relay(chance: Random, at_s: float) -> list[Fault]:
    """Leave an admission pending, so that the relay has work."""
    orphan = Fault(at_s / 3, "crash", points.GATEWAY[0])
    return [orphan, Fault(at_s / 3 + 0.1, "crash", chance.choice(points.RELAY))]


def _crash_redrive(chance: Random, at_s: float) -> list[Fault]:
    """Let strangers take serials, so that the redrive gives accepted users other serials."""
    strangers = Fault(at_s / 2 + 0.1, "foreign")
    return [strangers, Fault(at_s / 2, "crash", chance.choice(points.REDRIVE))]


def _crash_rebuild(chance: Random, at_s: float) -> list[Fault]:
    lost = redis_faults.redis_lost(chance, at_s)
    return [*lost, Fault(at_s, "crash", chance.choice(points.REBUILD))]


def _paused_apply(chance: Random, at_s: float) -> list[Fault]:
    """Pause an apply between the script and the response while Redis is lost and rebuilt."""
    point = chance.choice(points.GATEWAY)
    paused = Fault(at_s / 3, "hold", point, chance.uniform(0.2, 1.5))
    return [paused, *redis_faults.redis_lost(chance, at_s / 3 + 0.1)]


def _paused_consumer(chance: Random, at_s: float) -> list[Fault]:
    """Pause a consumer around its commit, until another one has its partitions."""
    point = chance.choice(points.CONSUMER)
    return [
        Fault(at_s / 3, "hold", point, chance.uniform(0.5, 2.5)),
        *redis_faults.any_loss(chance, at_s),
    ]


def _flush_in_rebuild(chance: Random, at_s: float) -> list[Fault]:
    """Lose Redis again during its rebuild, on the same run of the server."""
    point = chance.choice(points.REBUILD[1:-2])
    again_s = at_s + chance.uniform(0.9, 1.6)
    first, second = Fault(at_s, "redis-flush"), Fault(again_s, "redis-flush")
    return [first, Fault(at_s, "hold", point, 0.8), second]


def _clock_step(chance: Random, at_s: float) -> list[Fault]:
    """Step the programs' clock, and sometimes back again."""
    step = Fault(at_s, "clock-step", str(chance.choice([HOUR_S, -HOUR_S, 30, -30])))
    back = [Fault(at_s + 0.3, "clock-step", "0")] if chance.random() < 0.5 else []
    return [step, *back]


def _freeze(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, f"{chance.choice(SERVERS)}-freeze", for_s=chance.uniform(0.2, 1.5))]


def _cut(chance: Random, at_s: float) -> list[Fault]:
    server = chance.choice(SERVERS)
    return [Fault(at_s + 0.1 * number, f"{server}-cut") for number in range(3)]


def _network(chance: Random, at_s: float) -> list[Fault]:
    what = chance.choice(["refuse", "slow", "deaf", "silent"])
    server = chance.choice(SERVERS)
    return [Fault(at_s, f"{server}-{what}", for_s=chance.uniform(0.2, 1.2))]


def _deaf(chance: Random, at_s: float) -> list[Fault]:
    """Requests are executed, and their responses are lost."""
    server = chance.choice(SERVERS)
    return [Fault(at_s / 2, f"{server}-deaf", for_s=chance.uniform(0.1, 0.8))]


def _strand(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, f"{chance.choice(SERVERS)}-strand")]


def _kafka_refuse(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s / 2, "kafka-refuse", for_s=chance.uniform(0.5, 1.5))]


def _mysql_kill(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "mysql-kill", for_s=chance.uniform(0, 0.5))]


def _mysql_locks(chance: Random, at_s: float) -> list[Fault]:
    what = chance.choice(["locked", "rows"])
    return [Fault(at_s / 2, f"mysql-{what}", for_s=chance.uniform(0.2, 1.0))]


def _mysql_deadlock(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s / 4, "mysql-deadlock", for_s=chance.uniform(0.4, 1.2))]


def _mysql_read_only(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s / 2, "mysql-read-only", for_s=chance.uniform(0.3, 1.0))]


def _two_schedulers(chance: Random, at_s: float) -> list[Fault]:
    return [
        Fault(at_s, "two-schedulers"),
        *chance.choice([redis_faults.redis_lost, _crash_apply])(chance, at_s),
    ]


def _duplicates(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "duplicates"), Fault(at_s + chance.uniform(0.2, 0.6), "duplicates")]


def _forged(_: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "forged")]


def _kafka_kill(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "kafka-kill", for_s=chance.uniform(0, 0.5))]


OF_REPLICAS: list[Draw] = [
    redis_faults.fail_back,
    redis_faults.late_failover,
    redis_faults.cut_off,
]
KINDS: list[Draw] = [
    _kill,
    _crash_apply,
    _crash_consumer,
    _direct,
    _crash_relay,
    _crash_redrive,
    _crash_rebuild,
    _paused_apply,
    _paused_consumer,
    _flush_in_rebuild,
    redis_faults.redis_kill,
    redis_faults.redis_flush,
    redis_faults.redis_old_copy,
    redis_faults.redis_promote,
    redis_faults.redis_clock,
    _clock_step,
    _freeze,
    _cut,
    _network,
    _deaf,
    _strand,
    _kafka_refuse,
    _mysql_kill,
    _mysql_locks,
    _mysql_deadlock,
    _mysql_read_only,
    _two_schedulers,
    _duplicates,
    _forged,
    _lost_while_kafka_is_silent,
    _late,
]
