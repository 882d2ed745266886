"""Draws the faults of one shard of a cluster."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tests.faults.engine.scenario import EMPTIED, PROMOTED, WAYS, Fault

if TYPE_CHECKING:
    from random import Random


def of_shard(fault: Fault) -> Fault:
    """Where every shard has a replica, that one is promoted."""
    is_promotion = fault.kind == "redis-promote"
    return dataclasses.replace(fault, kind="shard-takeover") if is_promotion else fault


def killed(chance: Random, at_s: float) -> list[Fault]:
    """Kill the primary; it comes back when its replica has taken over, or shortly before."""
    return [Fault(at_s, "shard-kill", PROMOTED, chance.uniform(1.0, 4.0))]


def emptied(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "shard-kill", EMPTIED, chance.uniform(0.2, 2.0))]


def frozen(chance: Random, at_s: float) -> list[Fault]:
    """Pause the primary around the time at which its replica takes over."""
    return [Fault(at_s, "shard-freeze", for_s=chance.uniform(1.0, 4.0))]


def moved(chance: Random, at_s: float) -> list[Fault]:
    return [Fault(at_s, "shard-move", chance.choice(WAYS), chance.uniform(0.1, 1.5))]


def there_and_back(chance: Random, at_s: float) -> list[Fault]:
    """Fail over in order, and back."""
    return [Fault(at_s / 3, "shard-failover", for_s=chance.uniform(0.1, 3.0))]


def lost_there_and_back(chance: Random, at_s: float) -> list[Fault]:
    """Promote a replica that lags; the first primary has its place back before a rebuild, or after.

    The first primary is in its own history then, but for the id of it, and has forgotten.
    """
    lagged = Fault(at_s / 3, "shard-takeover", for_s=chance.uniform(0.2, 1.0))
    back_s = lagged.at_s + lagged.for_s + chance.uniform(0.05, 1.5)
    return [lagged, Fault(back_s, "shard-failover", for_s=chance.uniform(0.5, 3.0))]


OF_CLUSTER = [killed, emptied, frozen, moved, there_and_back, lost_there_and_back]
