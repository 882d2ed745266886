"""The apply requests of a run: which users apply, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass

from local.token import mint

REQUESTS_PER_IMPATIENT = 5


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """One apply request of one user."""

    user: str
    token: str


def requests(users: int, impatient: int, secret: str, prefix: str = "") -> list[ApplyRequest]:
    """Return all users' requests in random order; their ids begin with `prefix`."""
    counts = [(f"user-{n}", 1) for n in range(1, users + 1)]
    counts += [(f"impatient-{n}", REQUESTS_PER_IMPATIENT) for n in range(1, impatient + 1)]
    applications: list[ApplyRequest] = []
    for name, times in counts:
        user = prefix + name
        applications += [ApplyRequest(user, mint(secret, user))] * times
    random.shuffle(applications)
    return applications
