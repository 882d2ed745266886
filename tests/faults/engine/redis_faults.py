"""Draws the faults of Redis: it is lost, or its replica is promoted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tests.faults.engine.scenario import MOVES, SILENT, Fault

if TYPE_CHECKING:
    from random import Random

HOUR_S = 3600


def redis_lost(chance: Random, at_s: float) -> list[Fault]:
    lose = chance.choice([redis_kill, redis_flush, redis_old_copy, redis_promote])
    return lose(chance, at_s)


def any_loss(chance: Random, at_s: float) -> list[Fault]:
    return redis_lost(chance, at_s) if chance.random() < 0.5 else []


def redis_kill(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "redis-kill", for_s=chance.uniform(0, 0.3))]


def redis_flush(_: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "redis-flush")]


def redis_old_copy(chance: Random, at_s: float) -> list[Fault]:
    """Copy Redis's disk at this time; restart Redis from the copy after for_s."""
    return [Fault(at_s / 3, "redis-old-copy", for_s=chance.uniform(0.2, 1.0))]


def redis_promote(chance: Random, at_s: float) -> list[Fault]:
    """Let a replica fall behind at this time; promote it after for_s."""
    return [Fault(at_s / 3, "redis-promote", for_s=chance.uniform(0.2, 1.0))]


def of_replica(chance: Random, fault: Fault) -> Fault:
    if fault.kind != "redis-promote":
        return fault
    return dataclasses.replace(fault, kind="redis-failover", target=chance.choice(MOVES))


def cut_off(chance: Random, at_s: float) -> list[Fault]:
    """Promote the replica of a primary that does not notice; only a new scheduler finds it.

    Users apply through the gateway's connections to the former primary meanwhile, and one of them
    is on the way to Kafka.
    """
    moved = Fault(at_s / 5, "redis-failover", SILENT, 0.15)
    held = Fault(moved.at_s + 0.1, "hold", "gateway.unsent", chance.uniform(0.6, 0.85))
    return [moved, held, Fault(moved.at_s + moved.for_s + 0.02, "kill", "scheduler", 0.01)]


def fail_back(chance: Random, at_s: float) -> list[Fault]:
    """Promote the replica, and soon the server that was the primary before."""
    there, back = redis_promote(chance, at_s), redis_promote(chance, at_s)
    return [*there, dataclasses.replace(back[0], at_s=back[0].at_s + chance.uniform(1.2, 2.5))]


def late_failover(chance: Random, at_s: float) -> list[Fault]:
    """Promote the replica while an apply is on its way to Kafka."""
    held = Fault(at_s / 3, "hold", "gateway.unsent", chance.uniform(0.4, 0.85))
    return [held, Fault(max(0.0, held.at_s - 0.1), "redis-promote", for_s=0.2)]


def redis_clock(chance: Random, at_s: float) -> list[Fault]:
    """Step Redis's clock while users are pending whom only the relay can help."""
    out = Fault(at_s / 3, "kafka-refuse", for_s=0.8)
    return [out, Fault(at_s / 3 + 0.7, "redis-clock", str(chance.choice([HOUR_S, -HOUR_S])))]
