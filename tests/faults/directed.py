"""Histories whose orders of steps are given, so that each play of one shows the same.

Their steps wait for each other (`engine/steps`); no time that a machine needs matters.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tests.faults.engine.acts import Act
from tests.faults.engine.scenario import ACT, AFTER_LOAD, Fault, Scenario, scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

ADMITTED, SENT = "gateway.admitted", "gateway.sent"
REOPENED = "scheduler.reopened"
# Less than a client waits for its response, and than may pass until a send starts.
HELD_S_MAX = 9.5
BRIEFLY_S = 0.01
HELD = (Fault(0.0, "hold", ADMITTED, HELD_S_MAX), Fault(0.0, "await", ADMITTED))
RELEASED = Fault(0.0, "release", ADMITTED)
FLUSH = Fault(0.0, "redis-flush")
# A rebuild meanwhile, from the loss to the opening.
REBUILT = (Fault(0.0, "hold", REOPENED, BRIEFLY_S), FLUSH, Fault(0.0, "await", REOPENED))
# The consumer takes the record of an apply that still waits for its confirmation.
CONSUMED_FIRST = (
    Fault(0.0, "hold", SENT, HELD_S_MAX),
    RELEASED,
    Fault(0.0, "await", SENT),
    Fault(0.0, "await-consumed"),
    Fault(0.0, "release", SENT),
)
# The first user, and others who come before, during and after the rebuild.
ARRIVALS_S = (0.0, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0)


def passed(point: str) -> tuple[Fault, ...]:
    """Release the first apply, and wait until it has passed a point."""
    return Fault(0.0, "hold", point, BRIEFLY_S), RELEASED, Fault(0.0, "await", point)


def lost_batch(point: str) -> Scenario:
    """A consumer dies at a point, and Redis forgets what it had when all users have responses.

    The pending records alone would heal the loss. So would a user who applies again: then apply
    sends the record of a pending admission once more.
    """
    died = Fault(0.0, "crash", point), Fault(0.0, "await", point)
    return _directed((*died, Fault(0.0, AFTER_LOAD), FLUSH))


def overtaken(until: Sequence[Fault]) -> Scenario:
    """Return a history in which a rebuild gives the only serial of a paused apply to another one.

    That one is paused as well, before its record is sent, until the steps `until` are over.
    """
    faults = (*HELD, FLUSH, *HELD, *until, RELEASED)
    return dataclasses.replace(_directed(faults), quantity=1)


def late(until: Sequence[Fault]) -> Scenario:
    """Return a history of one user, whose apply goes on once a rebuild has opened the campaign.

    No other user applies, so what is written too late takes no serial from another one.
    """
    return dataclasses.replace(
        scenario(0, (*HELD, *REBUILT, *until)), arrivals=((ARRIVALS_S[0], "u0"),)
    )


def two_orders() -> Scenario:
    """Let one shop redeem a coupon while another shop's call is between its look and its change."""
    point = "gateway.state-writing"
    steps = (
        Fault(0.0, "hold", point, HELD_S_MAX),
        Fault(0.0, "await", point),
        _act("shop-b redeem u0"),
        Fault(0.0, "release", point),
    )
    return _of_one(steps, acts=(Act(0.0, "shop-a", "redeem", "u0"),))


def given_back(point: str) -> Scenario:
    """Kill the gateway at a point while a user gives one of two coupons back; two others apply."""
    steps = (
        Fault(0.0, "await-consumed"),
        Fault(0.0, "crash", point),
        _act("try u0 give-back"),
        _act("u1 apply"),
        _act("u2 apply"),
    )
    return _of_one(steps, quantity=2)


def settled_late() -> Scenario:
    """Settle a coupon after its user has given it back and has a new admission, not yet sent."""
    committed, settled = "poller.committed", "poller.settled"
    steps = (
        Fault(0.0, "hold", committed, HELD_S_MAX),
        Fault(0.0, "await", committed),
        _act("u0 give-back"),
        Fault(0.0, "crash", ADMITTED),
        _act("u0 apply"),
        Fault(0.0, "await", ADMITTED),
        Fault(0.0, "hold", settled, BRIEFLY_S),
        Fault(0.0, "release", committed),
        Fault(0.0, "await", settled),
    )
    return _of_one(steps)


def _act(what: str) -> Fault:
    return Fault(0.0, ACT, what)


def _of_one(steps: Sequence[Fault], **others: Any) -> Scenario:
    """Only the first user applies by itself."""
    arrivals = ((ARRIVALS_S[0], "u0"),)
    return dataclasses.replace(scenario(0, steps), arrivals=arrivals, **others)


def _directed(faults: Sequence[Fault]) -> Scenario:
    """Each user applies once, unless the response is unsure."""
    arrivals = tuple((at_s, f"u{number}") for number, at_s in enumerate(ARRIVALS_S))
    return dataclasses.replace(scenario(0, faults), arrivals=arrivals)
