"""Who presses, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass

from local.token import mint

PRESSES_OF_THE_IMPATIENT = 5


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """One press of the button by one person."""

    user: str
    token: str


def requests(users: int, impatient: int, secret: str) -> list[ApplyRequest]:
    """Return everybody's presses, in an order that favours nobody."""
    people = [(f"user-{n}", 1) for n in range(1, users + 1)]
    people += [(f"impatient-{n}", PRESSES_OF_THE_IMPATIENT) for n in range(1, impatient + 1)]
    crowd: list[ApplyRequest] = []
    for user, times in people:
        crowd += [ApplyRequest(user, mint(secret, user))] * times
    random.shuffle(crowd)
    return crowd
